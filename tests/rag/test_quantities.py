import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.quantities import quantities


def read(text: str) -> set[tuple[float, str]]:
    return {(quantity.value, quantity.kind) for quantity in quantities(text)}


@pytest.mark.parametrize(
    "spellings",
    [
        ("30%", "30 per cent", "thirty percent", "三成", "百分之三十", "30％"),
        ("12.5亿元", "1.25 billion yuan", "125000万元", "1,250,000,000 RMB"),
        ("31 March 2024", "March 31, 2024", "2024-03-31", "2024年3月31日", "二〇二四年三月三十一日"),
        ("Q3 2024", "third quarter of 2024", "2024年第三季度"),
        ("5 km", "5公里", "5,000 metres", "五公里", "5千米"),
        ("14 days", "two weeks", "十四天", "2周"),
        ("2 years", "24 months", "两年"),
        ("250 mg", "0.25 g", "250毫克"),
        ("$1.5 million", "1,500,000 dollars", "150万美元"),
        ("twenty-five thousand", "25,000", "两万五千"),
    ],
)
def test_one_quantity_reads_the_same_however_it_is_written(spellings: tuple[str, ...]) -> None:
    found = [read(spelling) for spelling in spellings]
    assert found[0]
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    "text", ["one of them", "万一下雨", "十分重要", "一些人", "成都", "no number", "一般来说", "完成"]
)
def test_words_that_hold_a_numeral_are_no_numbers(text: str) -> None:
    assert quantities(text) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("30%", "30 people"), ("5 km", "5 m"), ("8 percentage points", "8 percent"), ("80 euros", "80 dollars"),
     ("one month", "30 days"), ("1.5 million", "1.5 billion"), ("5 days", "5 working days")],
)  # fmt: skip
def test_different_quantities_are_told_apart(one: str, other: str) -> None:
    assert read(one) != read(other)


@given(st.text(alphabet="0123456789.,% 年月日亿万百十三点成Qkm-", max_size=30))
def test_any_text_is_read_and_spans_lie_within_it(text: str) -> None:
    for quantity in quantities(text):
        assert 0 <= quantity.start < quantity.end <= len(text)
