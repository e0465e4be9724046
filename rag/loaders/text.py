"""Plain text and Markdown, verbatim but for line ends; Markdown headings and front matter are seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rag.loaders.dates import find_date
from rag.loaders.encodings import decode
from rag.loaders.hidden import without_comments
from rag.schema import Document, Heading

_FENCE = re.compile(r" {0,3}(```|~~~)")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FRONT = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.S)


def load_plain(path: Path, source: str) -> Document:
    """Text as it stands in the file."""
    return Document(text=read_text(path, source), source=source)


def load_markdown(path: Path, source: str) -> Document:
    """Text as it stands in the file but for its comments, with the path of headings."""
    text = without_comments(read_text(path, source))
    front = _FRONT.match(text)
    metadata = _front_matter(front.group(1)) if front else {}
    return headed(text, source, _headings(text, front.end() if front else 0), metadata)


def read_text(path: Path, source: str) -> str:
    """The characters of a text file. ValueError when it is none."""
    text = decode(path.read_bytes())
    _refuse_binary(text, source)
    return text


def headed(
    text: str, source: str, marks: Iterable[tuple[int, int, str]], metadata: Mapping[str, str] | None = None
) -> Document:
    """A document of verbatim text with headings, each (start, level, name) in the order of the text."""
    headings: list[Heading] = []
    path: list[tuple[int, str]] = []
    for start, level, name in marks:
        path = [step for step in path if step[0] < level] + [(level, name)]
        headings.append(Heading(path=" > ".join(n for _, n in path), start=start))
    return Document(text=text, source=source, headings=tuple(headings), metadata=dict(metadata or {}))


def _refuse_binary(text: str, source: str) -> None:
    odd = sum(letter < " " and letter not in "\t\n\f\x1b" for letter in text[:4000])
    if odd * 20 > len(text[:4000]):
        raise ValueError(f"{source} is not text although its name says so.")


def _front_matter(block: str) -> dict[str, str]:
    """`key: value` lines; nested YAML is left alone."""
    pairs = (
        line.split(":", 1) for line in block.splitlines() if ":" in line and not line.startswith((" ", "-"))
    )
    found = {key.strip().lower(): value.strip().strip("\"'") for key, value in pairs}
    found = {key: value for key, value in found.items() if value}
    if (date := found.get("date")) and (iso := find_date("", f"Date: {date}")):
        found["date"] = iso
    return found


def _may_be_title(line: str) -> bool:
    """Whether an underline below makes this line a heading: it does not below lists, tables and quotes."""
    return bool(line.strip()) and not line.lstrip().startswith(("|", "-", "*", ">", "#"))


def _headings(text: str, body: int) -> Iterator[tuple[int, int, str]]:
    fenced, start, previous = False, 0, ""
    for line in text.splitlines(keepends=True):
        begin, start = start, start + len(line)
        bare = line.rstrip("\n")
        if begin < body:
            continue
        if _FENCE.match(bare):
            fenced = not fenced
        level, name, at = 0, "", begin
        if not fenced and (atx := _ATX.match(bare)):
            level, name = len(atx[1]), atx[2]
        elif not fenced and _may_be_title(previous) and (under := _UNDERLINE.match(bare)):
            level, name, at = 1 if under[1][0] == "=" else 2, previous.strip(), begin - len(previous)
        previous = line
        if level and name:
            yield at, level, name
