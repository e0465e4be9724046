from __future__ import annotations

from rag.loaders.blocks import Block
from rag.loaders.hyphens import BREAK, without_hyphens
from rag.loaders.lines import Line, Part
from rag.loaders.paragraphs import joined_over_pages, page_blocks, without_running_lines
from rag.loaders.rows import row_blocks


def line(text: str, bottom: float, right: float = 500, *, size: float = 10, cells: int = 1) -> Line:
    parts = tuple(Part(text=text, left=50 + n, right=right) for n in range(cells))
    return Line(text=text, left=50, right=right, bottom=bottom, height=12, size=size, parts=parts)


def texts(lines: list[Line]) -> list[str]:
    return [block.text for block in page_blocks(lines, 10, 1)]


def test_chinese_lines_are_joined_without_a_space() -> None:
    lines = [
        line("公司本年度实现营业收入十二亿元，同比", 700),
        line("增长百分之八。", 685, 150),
        line("第二段。", 670, 120),
    ]
    assert texts(lines) == ["公司本年度实现营业收入十二亿元，同比增长百分之八。", "第二段。"]


def test_a_short_line_ends_a_paragraph_and_a_full_one_does_not() -> None:
    lines = [
        line("A full line of text", 700),
        line("ends here.", 685, 120),
        line("A new one starts.", 670, 200),
    ]
    assert texts(lines) == ["A full line of text ends here.", "A new one starts."]


def test_a_wide_space_between_lines_ends_a_paragraph() -> None:
    lines = [line("one one one", 700), line("two two two", 685), line("three", 640)]
    assert texts(lines) == ["one one one two two two", "three"]


def test_a_large_line_is_a_heading_and_a_row_stays_alone() -> None:
    blocks = page_blocks(
        [line("Results", 700, 120, size=16), line("a | b", 680, cells=2), line("c | d", 665, cells=2)], 10, 1
    )
    assert [(block.kind, block.level) for block in blocks] == [("heading", 1), ("row", 0), ("row", 0)]


def test_page_numbers_and_running_heads_are_dropped() -> None:
    pages = [
        [line("ACME Ltd", 800), line(f"Text {n} of its own", 400 - n), line(f"Page {n}", 20)]
        for n in range(1, 5)
    ]
    assert [[kept.text for kept in page] for page in without_running_lines(pages, 10)] == [
        [f"Text {n} of its own"] for n in range(1, 5)
    ]


def test_a_sentence_goes_on_over_a_page_break() -> None:
    joined = joined_over_pages(Block(text="The fee should be", page=1), [Block(text="paid at once.", page=2)])
    assert joined[0].joint == " "
    assert (
        joined_over_pages(Block(text="It ends.", page=1), [Block(text="New start", page=2)])[0].joint is None
    )


def test_a_hyphen_is_dropped_when_the_document_knows_the_whole_word() -> None:
    blocks = [
        Block(text=f"The ef{BREAK}fects and the year{BREAK}end of Q{BREAK}4"),
        Block(text="effects at year-end"),
    ]
    assert without_hyphens(blocks)[0].text == "The effects and the year-end of Q-4"


def test_rows_without_column_names_are_kept_as_they_are() -> None:
    assert [b.text for b in row_blocks([["New customers", "250"], ["Rate", "92%"]])] == [
        "New customers: 250",
        "Rate: 92%",
    ]
    assert [b.text for b in row_blocks([["1", "2", "3"], ["4", "5", "6"]])] == ["1; 2; 3", "4; 5; 6"]
    assert [b.text for b in row_blocks([["", "2023", "2024"], ["Sales", "5", "6"]])] == [
        "Sales; 2023: 5; 2024: 6"
    ]
