"""Personal data is hidden by its kind and everything else stays as it was."""

from __future__ import annotations

import pytest

from apps.feedback import Feedback
from apps.personal_masks import mask_feedback, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to anna.klein+x@bank-example.com.", "Write to [email]."),
        ("邮箱zhang.san@qq.com，电话１３８１２３４５６７８。", "邮箱[email]，电话[phone]。"),
        ("Order no. 13812345678", "Order no. [phone]"),  # a mask may rather hide too much
        ("Call (030) 123-4567 or 0171 1234567, +49 30 1234567", "Call [phone] or [phone], [phone]"),
        ("555-123-4567; phone: 5551234", "[phone]; phone: [phone]"),
        ("身份证号11010519491231002X。", "身份证号[id number]。"),
        ("身份证：110105194912310021", "身份证：[id number]"),  # a wrong check digit, but somebody's number
        ("Card 4111 1111 1111 1111, until 12/27", "Card [bank card], until 12/27"),
        ("账号 6222 0212 3456 7890 12", "账号 [bank card]"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [iban]."),
        ("SSN 123-45-6789", "SSN [ssn]"),
        ("from 192.168.1.10 and 2001:db8::8a2e:370:7334", "from [ip address] and [ip address]"),
    ],
)
def test_each_kind_is_replaced(text: str, masked: str) -> None:
    assert mask_text(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "The refund window is 30 days. [1] It costs 1 234 567.89 or 12 %.",
        "2024-01-15 12:30:45, ISBN 978-3-16-148410-0, version 10.12.14.100",
        "std::vector a::b 1:2:3:4 and icon@2x.png，没有号码",
        "",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert mask_text(text) == (text, {})


def test_every_text_of_a_row_is_masked_and_counted() -> None:
    mail = "Write to bob@example.com"
    turn = {"role": "user", "content": mail}
    row = Feedback(question=mail, answer=mail, thumb="down", correction=mail, history=(turn,), prompt=(turn,),
                   hits=({"source": "bob@example.com.eml", "text": mail, "page": 3},))  # fmt: skip
    masked, found = mask_feedback(row)
    assert "bob@" not in str(masked) and found == {"email": 7}
    assert masked.hits[0]["page"] == 3 and row.question == mail


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "0", "(0", "a@a.", "a.", "::", "f:", "tel ", "phone: 1", "号", "AB12"]
)
def test_hostile_text_takes_no_longer_than_any_other(piece: str) -> None:
    """A quadratic search would run into the test's time limit."""
    mask_text(piece * (100_000 // len(piece)))
