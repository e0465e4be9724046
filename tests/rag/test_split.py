from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.blocks import Block, assemble
from rag.schema import Document, Heading
from rag.split import split_document


def words(text: str) -> int:
    return len(text.split()) + sum(letter >= "\u3400" for letter in text)


ALPHABET = st.sampled_from(list("ab c. D!\n\n；。公司年 \t9,"))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=400), st.integers(8, 40), st.integers(0, 7))
def test_a_chunk_is_exactly_its_place_and_within_the_limit(text: str, limit: int, overlap: int) -> None:
    chunks = split_document(Document(text=text, source="a"), words, limit, overlap)
    covered: set[int] = set()
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert words(chunk.text) <= limit
        covered.update(range(chunk.start, chunk.end))
    assert all(place in covered for place, letter in enumerate(text) if not letter.isspace())
    assert [chunk.start for chunk in chunks] == sorted({chunk.start for chunk in chunks})


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Blocks of every kind, over pages, with signs of Markdown among them."""
    letters = st.text(alphabet=st.sampled_from(list("ab c.|-#D!；。公司 \t9,\u00e9\U0001f600")), max_size=60)
    kinds = st.sampled_from(["paragraph", "heading", "row"])
    blocks, page = [], 1
    for kind, text, turn in draw(st.lists(st.tuples(kinds, letters, st.booleans()), max_size=14)):
        page += turn
        blocks.append(Block(text=text, kind=kind, level=len(text) % 4 + 1, page=page))
    table = draw(st.lists(letters.map(lambda cell: " ".join(cell.split()).replace("|", "")), max_size=8))
    rows = ["| name | value |", "| --- | --- |", *(f"| {cell} | 7 |" for cell in table)]
    return assemble([*blocks, *(Block(text=row, kind="row", page=page) for row in rows)], "a")


@settings(max_examples=150, deadline=None)
@given(documents(), st.integers(8, 40), st.integers(0, 7))
def test_whatever_the_document_is_made_of_nothing_is_lost_moved_or_too_long(
    document: Document, limit: int, overlap: int
) -> None:
    chunks = split_document(document, words, limit, overlap)
    covered: set[int] = set()
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text and words(chunk.text) <= limit
        assert chunk.page is not None
        page = next(page for page in document.pages if page.number == chunk.page)
        assert page.start <= chunk.start < page.end
        covered.update(range(chunk.start, chunk.end))
    assert all(place in covered for place, letter in enumerate(document.text) if not letter.isspace())


def test_rows_that_are_cut_off_keep_the_names_of_their_columns() -> None:
    rows = "\n".join(f"| Region {n} | {n * 100} units |" for n in range(30))
    text = f"# Sales\n\n| Region | Sold in 2024 |\n| --- | --- |\n{rows}\n\nAll of them grew."
    document = Document(text=text, source="a", headings=(Heading(path="Sales", start=0),))
    first, *others, last = split_document(document, words, 40, 0)
    assert first.heading == "Sales" and len(others) > 3
    assert all(chunk.heading == "Sales > Region | Sold in 2024" for chunk in others)
    assert last.text.endswith("All of them grew.")


def test_chunks_end_with_sentences_and_overlap_by_whole_ones() -> None:
    text = " ".join(f"Sentence number {n} has six words." for n in range(10))
    chunks = split_document(Document(text=text, source="a"), words, 24, 6)
    assert all(chunk.text.endswith("words.") and chunk.text.startswith("Sentence") for chunk in chunks)
    assert all(later.start < earlier.end for earlier, later in zip(chunks, chunks[1:], strict=False))


def test_chinese_sentences_are_cut_at_their_stops() -> None:
    text = "收入增长百分之八。利润增长百分之三！现金流如何？情况良好；负债下降。"
    chunks = split_document(Document(text=text, source="a"), words, 12, 0)
    assert len(chunks) > 1
    assert all(chunk.text[-1] in "。！？；" for chunk in chunks)


def test_a_chunk_knows_its_heading_and_the_page_of_its_start() -> None:
    blocks = [
        Block(text="Fees", kind="heading", level=1, page=1),
        Block(text="Fees are low.", page=1),
        Block(text="Visits", kind="heading", level=2, page=2),
        Block(text="A visit is free.", page=2),
    ]
    chunks = split_document(assemble(blocks, "a.pdf", {"date": "2025-01-01"}), words)
    assert [(chunk.heading, chunk.page) for chunk in chunks] == [("Fees", 1), ("Fees > Visits", 2)]
    assert chunks[0].metadata["date"] == "2025-01-01"


def test_table_rows_are_not_cut_when_they_fit() -> None:
    rows = [f"Name: n{n}; City: Bonn; Staff: {n}" for n in range(30)]
    chunks = split_document(Document(text="\n".join(rows), source="a"), words, 30, 0)
    assert all(part in rows for chunk in chunks for part in chunk.text.split("\n"))


@pytest.mark.parametrize(("limit", "overlap"), [(4, 0), (20, 20), (20, -1)])
def test_sizes_that_cannot_work_are_refused(limit: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="_tokens="):
        split_document(Document(text="a b c", source="a"), words, limit, overlap)
