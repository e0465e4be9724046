"""What every loader produces, blocks of text in reading order, and how blocks become one Document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rag.schema import Document, Heading, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, a heading (level from 1) or a table row; pages count from 1."""

    text: str
    kind: Literal["paragraph", "heading", "row"] = "paragraph"
    level: int = 0
    page: int | None = None
    joint: str | None = None  # what stands between this block and the one before, None for the usual break


def assemble(blocks: Iterable[Block], source: str, metadata: Mapping[str, str] | None = None) -> Document:
    """Join blocks into one text: rows of a table by a line break, everything else by an empty line."""
    parts: list[str] = []
    headings: list[Heading] = []
    path: list[tuple[int, str]] = []
    page_starts: dict[int, int] = {}
    length, previous = 0, ""
    for block in blocks:
        text = block.text.strip("\n") if block.kind == "paragraph" else " ".join(block.text.split())
        if not text.strip():
            continue
        usual = "\n" if previous == block.kind == "row" else "\n\n"
        separator = "" if not parts else usual if block.joint is None else block.joint
        parts += [separator, text]
        start = length + len(separator)
        length, previous = start + len(text), block.kind
        if block.page is not None:
            page_starts.setdefault(block.page, start)
        if block.kind == "heading":
            path = [step for step in path if step[0] < block.level] + [(block.level, text)]
            headings.append(Heading(path=" > ".join(name for _, name in path), start=start))
    return Document(
        text="".join(parts),
        source=source,
        pages=_pages(page_starts, length),
        headings=tuple(headings),
        metadata=dict(metadata or {}),
    )


def _pages(starts: Mapping[int, int], length: int) -> tuple[Page, ...]:
    """Pages touch one another, so that every character of the text has one."""
    ordered = sorted(starts.items())
    if not ordered:
        return ()
    ends = [start for _, start in ordered[1:]] + [length]
    return tuple(Page(number=n, start=start, end=end) for (n, start), end in zip(ordered, ends, strict=True))


def titled(document: Document, title: str | None) -> Document:
    """Templates leave "Word Document" or a file name as title; a true one also stands in the text."""
    name = " ".join((title or "").split())
    if not name or name not in document.text:
        return document
    return replace(document, metadata={**document.metadata, "title": name})


def blocks_within(document: Document, level: int) -> list[Block]:
    """A document as part of another one: its headings stand below `level`, its text stays as it is."""
    marks = [(heading.start, heading.path.split(" > ")) for heading in document.headings]
    ends = [start for start, _ in marks] + [len(document.text)]
    blocks = [Block(text=document.text[: ends.pop(0)])]
    for (start, path), end in zip(marks, ends, strict=True):
        line, _, rest = document.text[start:end].partition("\n")
        name = path[-1] if path[-1] in line else line  # without the signs of markup around it
        blocks += [Block(text=name, kind="heading", level=level + len(path)), Block(text=rest)]
    return blocks
