import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from advisor.line_breaks import broken

SENTENCE = "领先“检索增强（RAG）”1.3 分；未回答问题的可能答案中有 11% 会改变结论。"


@pytest.mark.parametrize("cells", range(8, 80, 3))
def test_no_line_begins_with_a_closing_or_ends_with_an_opening_mark(cells):
    for line in broken(SENTENCE, cells):
        assert cell_len(line) <= cells
        assert line[0] not in "，。；：！？、）”%" and line[-1] not in "（“"


def test_lines_are_filled_between_any_two_characters():
    assert broken("一二三四五六七八九十", 8) == ["一二三四", "五六七八", "九十"]


def test_a_latin_word_stays_whole_where_it_can():
    assert broken("使用 Qwen2.5-7B 模型", 12) == ["使用", "Qwen2.5-7B", "模型"]


def test_a_word_longer_than_the_line_is_cut():
    assert broken("见 " + "a" * 20, 8) == ["见", "a" * 8, "a" * 8, "a" * 4]


@given(st.text(alphabet="检索（）“”，。 ab1%x", max_size=60), st.integers(min_value=8, max_value=40))
def test_nothing_is_lost_and_nothing_is_wider(text, cells):
    lines = broken(text, cells)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= cells for line in lines)
