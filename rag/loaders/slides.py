"""PPTX: each slide is a page, its title a heading; texts, tables, charts and notes follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.enum.shapes import MSO_SHAPE_TYPE

from rag.loaders.blocks import Block, assemble, titled
from rag.loaders.packed import check_archive
from rag.loaders.rows import row_blocks
from rag.schema import Document


def load(path: Path, source: str) -> Document:
    """Slides in their order; hidden ones too, since they are part of the file."""
    check_archive(path, source)
    deck = pptx.Presentation(str(path))
    blocks = [block for number, slide in enumerate(deck.slides, start=1) for block in _slide(slide, number)]
    return titled(assemble(blocks, source), deck.core_properties.title)


def _slide(slide: Any, page: int) -> Iterator[Block]:
    title = slide.shapes.title
    if title is not None and title.has_text_frame and title.text_frame.text.strip():
        yield Block(text=title.text_frame.text, kind="heading", level=1, page=page)
    else:
        title = None
    for block in _shapes(slide.shapes, None if title is None else title.shape_id):
        yield Block(text=block.text, kind=block.kind, page=page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text
        if notes.strip():
            yield Block(text="Notes", kind="heading", level=2, page=page)
            yield Block(text=notes, page=page)


def _shapes(shapes: Iterable[Any], title: int | None) -> Iterator[Block]:
    for shape in shapes:
        if shape.shape_id == title:
            continue
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _shapes(shape.shapes, None)
        elif shape.has_text_frame:
            yield from _paragraphs(shape.text_frame)
        elif getattr(shape, "has_table", False):
            yield from row_blocks(_cells(row) for row in shape.table.rows)
        elif getattr(shape, "has_chart", False):
            yield from _chart(shape.chart)


def _paragraphs(frame: Any) -> Iterator[Block]:
    lines = [paragraph.text.replace("\v", "\n").strip() for paragraph in frame.paragraphs]
    lines = [line for line in lines if line]
    # The points of a list belong together; a text box of one paragraph is that paragraph.
    yield Block(text="\n".join(f"- {line}" for line in lines) if len(lines) > 1 else "".join(lines))


def _cells(row: Any) -> list[str]:
    return ["" if cell.is_spanned else cell.text_frame.text for cell in row.cells]


def _chart(chart: Any) -> Iterator[Block]:
    if chart.has_title and chart.chart_title.has_text_frame:
        yield Block(text=chart.chart_title.text_frame.text)
    for plot in chart.plots:
        names = [str(name) for name in plot.categories]
        rows = [["", *names]] + [[line.name, *map(_number, line.values)] for line in plot.series]
        yield from row_blocks(rows, header=bool(names))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
