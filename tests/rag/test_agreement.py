import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.agreement import disagreement, names, negated


@pytest.mark.parametrize(
    ("claim", "quote", "reason"),
    [
        ("It costs 5 euros.", "It costs 6 euros.", "number"),
        ("Dogs may enter.", "Dogs may not enter.", "negation"),
        ("狗可以进入。", "狗不可以进入。", "negation"),
        ("Sales rose sharply.", "Sales fell sharply.", "direction"),
        ("销量上升。", "销量下降。", "direction"),
        ("The firm hired Ana Reyes.", "The firm hired Tom Brandt.", "name"),
        ("It costs 5 euros.", "The ticket costs 5 euros in winter.", ""),
        ("Fees of 4 apply in 2024.", "Fees were 4 in 2023 and 5 in 2024.", "number"),
        ("Fees were 4 in 2023 and 5 in 2024.", "Fees in 2023 and 2024 were 4 and 5 respectively.", ""),
    ],
)
def test_what_speaks_against_a_claim_is_named(claim: str, quote: str, reason: str) -> None:
    assert disagreement(claim, quote) == reason


@given(st.text(max_size=80))
def test_nothing_speaks_against_itself(text: str) -> None:
    assert disagreement(text, text) == ""


@pytest.mark.parametrize(
    "text",
    ["not only books", "no later than May", "不仅如此", "非常好", "无论如何", "不超过五天", "is not refused"],
)
def test_a_negation_that_negates_nothing_does_not_count(text: str) -> None:
    assert not negated(text)


@pytest.mark.parametrize(
    "text",
    ["does not open", "isn't open", "不得入内", "未开放", "is forbidden", "禁止吸烟", "never", "without fee"],
)
def test_negations_are_seen(text: str) -> None:
    assert negated(text)


def test_a_word_that_opens_a_sentence_is_a_name_only_where_something_says_so() -> None:
    assert names("Revenue rose at Brontec.") == {"brontec"}
    assert names("Brontec grew.", known="Brontec grew. Halden shrank.") == {"brontec"}
    assert names("Lindqvist Marine grew.") == {"lindqvist", "marine"}
