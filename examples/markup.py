"""Reads the Markdown sources of example documents: front matter and blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a source: kind is heading, paragraph, list, table or newpage."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed source file: its front matter and its blocks."""

    front: dict[str, str]
    blocks: tuple[Block, ...] = field(default=())

    @property
    def date(self) -> datetime:
        return datetime.fromisoformat(self.front["date"])

    @property
    def is_chinese(self) -> bool:
        return self.front["language"] == "zh"


def read_source(path: Path) -> Source:
    """Parse one source; ValueError names the file and what its front matter lacks."""
    match = re.match(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    if not match:
        raise ValueError(f"{path} has no front matter; start it with --- format, title, date ... ---")
    pairs = (line.split(":", 1) for line in match[1].splitlines() if ":" in line)
    front = {key.strip(): value.strip().strip('"') for key, value in pairs}
    missing = {"format", "title", "date", "language", "output"} - set(front)
    if missing:
        raise ValueError(f"{path}: front matter lacks {sorted(missing)}.")
    joiner = "" if front["language"] == "zh" else " "
    return Source(front=front, blocks=tuple(parse_blocks(match[2], joiner)))


def parse_blocks(body: str, joiner: str) -> Iterator[Block]:
    """Cut a body into blocks; paragraphs written over several lines are joined with `joiner`."""
    for part in re.split(r"\n\s*\n", re.sub(r"(?m)^(#+ .*|\\newpage)$", r"\n\1\n", body).strip()):
        lines = [line.strip() for line in part.strip().splitlines() if line.strip()]
        if not lines:
            continue
        if lines[0] == "\\newpage":
            yield Block(kind="newpage")
        elif heading := re.match(r"(#+) (.*)", lines[0]):
            yield Block(kind="heading", level=len(heading[1]), text=heading[2])
        elif lines[0].startswith("|"):
            rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
            yield Block(kind="table", rows=tuple(r for r in rows if not re.fullmatch(r"[-: ]+", "".join(r))))
        elif re.match(r"(- |\d+\. )", lines[0]):
            items = re.split(r"\n(?=- |\d+\. )", "\n".join(lines))
            yield Block(kind="list", items=tuple(joiner.join(item.splitlines()) for item in items))
        else:
            yield Block(kind="paragraph", text=joiner.join(lines))


def plain(text: str) -> str:
    """The text without `**` marks."""
    return text.replace("**", "")
