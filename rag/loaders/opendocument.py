"""ODT, ODS and ODP: text, sheets and slides of the open document formats, from their content.xml."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rag.loaders.blocks import Block, assemble, titled
from rag.loaders.packed import check_archive
from rag.loaders.rows import row_blocks
from rag.loaders.safe_xml import Element, local_name, parse_xml
from rag.schema import Document

_UNSEEN = frozenset(("tracked-changes", "annotation", "note-citation", "sequence-decls", "forms", "settings"))
_TITLES = {"Title": 1, "Subtitle": 2}  # styles of paragraphs
_MOST_COLUMNS = 2_000  # sheets repeat an empty cell to the end of the row, hostile ones a full one


def load(path: Path, source: str) -> Document:
    """Headings, paragraphs and tables in their order; slides are pages, sheets stand below their names."""
    check_archive(path, source)
    with zipfile.ZipFile(path) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise ValueError(f"{source} is encrypted; save it without a password.")
        root = parse_xml(archive.read("content.xml"))
        title = _title(archive)
    body = next((item for item in root.iter() if local_name(item) == "body"), root)
    return titled(assemble(_blocks(body), source), title)


def _title(archive: zipfile.ZipFile) -> str:
    if "meta.xml" not in archive.namelist():
        return ""
    meta = parse_xml(archive.read("meta.xml"))
    return next((item.text or "" for item in meta.iter() if local_name(item) == "title"), "")


def _blocks(elements: Iterable[Element], page: int | None = None) -> Iterator[Block]:
    for child in elements:
        name = local_name(child)
        if not name or name in _UNSEEN:
            continue
        if name == "page":  # a slide
            page = (page or 0) + 1
            yield from _slide(child, page)
        elif name == "table":
            yield from _table(child, page)
        elif name == "h":
            yield Block(text=_text(child), kind="heading", level=_level(child), page=page)
        elif name == "p":
            level = _TITLES.get(_attribute(child, "style-name"), 0)
            yield Block(text=_text(child), kind="heading" if level else "paragraph", level=level, page=page)
        elif name == "list-item":
            lines = [block.text for block in _blocks(child, page) if block.text.strip()]
            yield Block(
                text="\n".join(f"- {line}" if line is lines[0] else f"  {line}" for line in lines), page=page
            )
        else:
            yield from _blocks(child, page)


def _slide(slide: Element, page: int) -> Iterator[Block]:
    titles = [frame for frame in slide if _attribute(frame, "class") == "title"]
    for frame in titles:
        yield Block(text=_text(frame), kind="heading", level=1, page=page)
    for frame in slide:
        if frame in titles:
            continue
        if local_name(frame) == "notes":
            texts = [block.text for block in _blocks(frame) if block.text.strip()]
            if texts:
                yield Block(text="Notes", kind="heading", level=2, page=page)
            yield from (Block(text=text, page=page) for text in texts)
        else:
            yield from (replace(block, page=page) for block in _blocks([frame]))


def _level(heading: Element) -> int:
    level = _attribute(heading, "outline-level")
    return int(level) if level.isdigit() and 0 < int(level) < 10 else 1


def _attribute(element: Element, name: str) -> str:
    return next((str(v) for k, v in element.attrib.items() if str(k).rpartition("}")[2] == name), "")


def _table(table: Element, page: int | None) -> Iterator[Block]:
    found: list[Block] = []
    rows: list[list[str]] = []
    for row in (item for item in table.iter() if local_name(item) == "table-row"):
        cells = _cells(row)
        if any(cells):
            rows.append(cells)
        elif rows:  # an empty row ends a table
            found += row_blocks(rows)
            rows = []
    found += row_blocks(rows)
    if found and _is_sheet(table) and (name := _attribute(table, "name")):
        yield Block(text=name, kind="heading", level=1, page=page)
    yield from (replace(block, page=page) for block in found)


def _is_sheet(table: Element) -> bool:
    parent = table.getparent()
    return parent is not None and local_name(parent) == "spreadsheet"


def _cells(row: Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if local_name(cell) not in ("table-cell", "covered-table-cell"):
            continue
        text = " ".join(_text(part) for part in cell if local_name(part) not in ("annotation", ""))
        repeated = _attribute(cell, "number-columns-repeated")
        times = min(int(repeated), _MOST_COLUMNS - len(cells)) if repeated.isdigit() else 1
        cells += [text] * max(times, 0)
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(element: Element) -> str:
    """The characters of an element; the format writes repeated spaces, tabs and line breaks as elements."""
    parts = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "s":
            count = _attribute(child, "c")
            parts.append(" " * (min(int(count), 100) if count.isdigit() else 1))
        elif name in ("tab", "line-break"):
            parts.append("\t" if name == "tab" else "\n")
        elif name and name not in _UNSEEN:
            parts.append(_text(child) + ("\n" if name in ("p", "h") else ""))
        parts.append(child.tail or "")
    return "".join(parts).strip("\n") if local_name(element) not in ("span", "a") else "".join(parts)
