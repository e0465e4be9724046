"""XML: articles (JATS) with their headings and tables, data as "name: value", facts of XBRL with their period."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from rag.loaders.blocks import Block, assemble
from rag.loaders.rows import row_blocks
from rag.loaders.safe_xml import Element, local_name, parse_xml
from rag.loaders.web import html_blocks
from rag.schema import Document

_SKIPPED = frozenset(
    ("subj-group", "journal-id", "issn", "permissions", "custom-meta-group", "counts")
)  # of JATS
_HEADINGS = frozenset(("title", "article-title", "head", "heading"))
_SECTIONS = frozenset(("sec", "section", "chapter", "div", "part", "abstract", "ref-list", "app", "back"))
_PARAGRAPHS = frozenset(("p", "para", "simpara", "li", "item"))
_ROW, _CELLS = "tr", ("td", "th")
_ESCAPED_HTML = re.compile(r"<(p|div|span|table|br|li|td)\b[^>]*>", re.I)
_DEEPEST = 200
_LONG = 300


def load(path: Path, source: str) -> Document:
    """The text of all elements. ValueError when it is not well formed; entities stay unexpanded."""
    data = path.read_bytes()
    try:
        root = parse_xml(data)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"{source} is damaged: it is no well-formed XML ({error.msg}).") from error
    if local_name(root).lower() == "html":
        return assemble(*_page(data, source))
    if local_name(root) == "xbrl":
        return assemble(_facts(root), source)
    return assemble(_blocks(root, 1, 0), source)


def _page(data: bytes, source: str) -> tuple[list[Block], str, dict[str, str]]:
    blocks, metadata = html_blocks(data)
    return blocks, source, metadata


def _blocks(element: Element, level: int, depth: int) -> Iterator[Block]:
    name = local_name(element)
    if not name or name in _SKIPPED or depth > _DEEPEST:
        return
    if name == "table":
        yield from row_blocks(_rows(element))
    elif name in _HEADINGS and (text := _whole(element)):
        yield Block(text=text, kind="heading", level=min(level, 6))
    elif name in _PARAGRAPHS or _is_mixed(element):
        yield Block(text=_whole(element))
    elif len(element) == 0:
        yield from _leaf(name, element.text or "")
    else:
        for child in element:
            yield from _blocks(child, level + (name in _SECTIONS), depth + 1)


def _facts(root: Element) -> Iterator[Block]:
    """The facts of an XBRL instance, each with the period and the members of the context that it points to."""
    contexts = {str(item.get("id")): _context(item) for item in root if local_name(item) == "context"}
    for fact in root:
        told = contexts.get(str(fact.get("contextRef", "")))
        if told is not None and not len(fact):
            yield from _leaf(local_name(fact), fact.text or "", told)


def _context(context: Element) -> str:
    dates, members = [], []
    for item in context.iter():
        name, text = local_name(item), (item.text or "").strip()
        if name in ("startDate", "endDate", "instant"):
            dates.append(text)
        elif name in ("explicitMember", "typedMember"):
            members.append(_spaced(text.rpartition(":")[2]))
    return ", ".join(filter(None, (" to ".join(dates), *members)))


def _leaf(name: str, text: str, told: str = "") -> Iterator[Block]:
    if _ESCAPED_HTML.search(text):  # XBRL carries whole notes as escaped pages
        yield Block(text=_spaced(name), kind="heading", level=2)
        yield from (block for block in html_blocks(text.encode())[0])
    elif len(text) > _LONG:
        yield Block(text=text.strip())
    elif words := " ".join(text.split()):
        yield Block(text=f"{_spaced(name)}{f' ({told})' if told else ''}: {words}", kind="row")


def _spaced(name: str) -> str:
    """Names of elements are words run together: EntityRegistrantName."""
    return (
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
        .replace("_", " ")
        .replace("-", " ")
    )


def _is_mixed(element: Element) -> bool:
    """Text and elements side by side are one text, as a word in italics is."""
    return len(element) > 0 and any(
        (piece or "").strip() for piece in (element.text, *(c.tail for c in element))
    )


def _whole(element: Element) -> str:
    return " ".join("".join(str(piece) for piece in element.itertext()).split())


def _rows(table: Element) -> Iterator[list[str]]:
    for row in table.iter():
        if local_name(row) == _ROW:
            yield [_whole(cell) for cell in row if local_name(cell) in _CELLS]
