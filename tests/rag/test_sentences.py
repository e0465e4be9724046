import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Revenue was 3.5 million. It rose.", ["Revenue was 3.5 million.", "It rose."]),
        ("Dr. Wu of Acme Inc. agreed. So did she.", ["Dr. Wu of Acme Inc. agreed.", "So did she."]),
        ("营收增长。利润下降！为什么？", ["营收增长。", "利润下降！", "为什么？"]),
        ("Item | Amount\nFees | 3\n", ["Item | Amount", "Fees | 3"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


@given(st.text(alphabet="aB3. 。\n!?；“”", max_size=60))
def test_spans_are_ordered_and_lose_nothing_but_white_space(text: str) -> None:
    spans = sentence_spans(text)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:], strict=False))
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())
