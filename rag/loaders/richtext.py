"""RTF: its text, with the rows of tables on lines of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from rag.loaders.blocks import Block, assemble
from rag.loaders.rows import row_blocks
from rag.schema import Document


def load(path: Path, source: str) -> Document:
    """Characters outside ASCII are escapes of the code page that the file names."""
    data = path.read_bytes()
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ValueError(f"{source} is damaged: it does not begin as RTF does.")
    text = rtf_to_text(data.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    return assemble(_blocks(text), source)


def _blocks(text: str) -> Iterator[Block]:
    """Cells end in "|" in what striprtf gives, so its tables are runs of lines that end so."""
    table: list[list[str]] = []
    for line in text.split("\n"):
        if line.rstrip().endswith("|"):
            table.append(line.rstrip().rstrip("|").split("|"))
            continue
        yield from row_blocks(table)
        table = []
        yield Block(text=line)
    yield from row_blocks(table)
