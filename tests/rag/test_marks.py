import pytest

from rag.marks import find_marks


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It fell. [1]", [1]), ("It fell [1, 2].", [1, 2]), ("It fell [1][2].", [1, 2]), ("下跌【1】。", [1]),
        ("下跌［1］。", [1]), ("It fell [1-3].", [1, 2, 3]), ("It fell [1–2].", [1, 2]), ("It fell (source 1).", [1]),
        ("It fell [Source 1].", [1]), ("It fell [source 1, source 2].", [1, 2]), ("It fell [^1].", [1]),
        ("It fell.¹", [1]), ("It fell.¹²", [12]), ("It declined².", [2]), ("It fell 【4†source】.", [4]),
        ("It fell 【1:0†source】.", [1]), ("It fell (sources 1 and 2).", [1, 2]), ("下跌（来源：1、2）。", [1, 2]),
        ("It fell [[1]].", [1]), ('It fell <source id="2">.', [2]), ("It fell <sup>3</sup>.", [3]),
        ("It fell [doc 2].", [2]), ("It fell [1; 3].", [1, 3]), ("It fell [999].", [999]), ("下跌[来源1]。", [1]),
    ],
)  # fmt: skip
def test_marks_are_read_in_the_forms_that_models_write(text: str, numbers: list[int]) -> None:
    assert [number for mark in find_marks(text) for number in mark.numbers] == numbers
    bare = text
    for mark in reversed(find_marks(text)):
        bare = bare[: mark.start] + bare[mark.end :]
    assert not any(sign.isdigit() for sign in bare)


@pytest.mark.parametrize(
    "text",
    ["in [2024] words", "5 m² of floor", "10⁶ cells", "E = mc² here", "30 km²", "20 平方米²", "`a[1]` is code",
     "(1) first", "```\nx[1] = y[2]\n```", "f(1)", "[see below]", "~~~\na[1]\n~~~", "``b[3] ` c`` x"],
)  # fmt: skip
def test_what_only_looks_like_a_mark_is_left_alone(text: str) -> None:
    assert find_marks(text) == []


def test_a_range_claims_no_more_than_a_handful() -> None:
    (mark,) = find_marks("All of it [1-900].")
    assert len(mark.numbers) <= 21
