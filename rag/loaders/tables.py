"""CSV and TSV: one line of text per row, "Header: value; Header: value"."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from rag.loaders.blocks import assemble
from rag.loaders.encodings import decode
from rag.loaders.rows import row_blocks
from rag.schema import Document


def load(path: Path, source: str) -> Document:
    """Read with the delimiter that the first lines use; cells may span lines when quoted."""
    text = decode(path.read_bytes())
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    csv.field_size_limit(1 << 24)  # the default of 128 KiB refuses long text cells
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    # Without names for the columns the file's own sign stays between the cells.
    return assemble(row_blocks(rows, joint="; " if delimiter == "\t" else f"{delimiter} "), source)


def _delimiter(text: str) -> str:
    """The sign that splits the first lines most evenly (csv.Sniffer would also accept letters)."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    best, best_score = ",", 0.0
    for sign in (",", ";", "\t", "|"):
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        if counts and counts[0] > 1:
            score = sum(count == counts[0] for count in counts) / len(counts) + counts[0] / 1000
            if score > best_score:
                best, best_score = sign, score
    return best
