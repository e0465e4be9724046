"""What a generation shows of the catalogue, in the order of its views: documents, chunks, vectors and terms."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator

from rag.catalogue import VISIBLE, checksum, document_of
from rag.passages import Place
from rag.schema import Document
from rag.texts import NOW


def removed_sources(db: sqlite3.Connection, generation: int) -> list[str]:
    """Documents that the generation before showed and this one does not, or shows in another version."""
    return [row[0] for row in db.execute("SELECT source FROM documents WHERE removed = ?", (generation,))]


def visible_documents(
    db: sqlite3.Connection, generation: int, after: int = 0
) -> Iterator[tuple[Document, list[Place], list[bytes]]]:
    """Each document with the places and the text hashes of its chunks, in the order of sources: that of the views.

    Only those that were added `after` a generation. ValueError when a text is not what was put in.
    """
    rows = db.execute(
        f"SELECT id, source, text, pages, headings, metadata, sum FROM documents WHERE {VISIBLE} AND added > :after"
        " ORDER BY source",
        {"g": generation, "after": after},
    )
    for key, source, text, pages, headings, metadata, checked in rows:
        if checksum(text, pages, headings, metadata) != checked:
            raise ValueError(f"the text of {source} was changed")
        chunks = db.execute(
            'SELECT start, "end", page, heading, text_hash FROM chunks WHERE document = ? ORDER BY number',
            (key,),
        ).fetchall()
        places = [Place(start=row[0], end=row[1], page=row[2], heading=row[3]) for row in chunks]
        yield document_of(source, text, pages, headings, metadata), places, [row[4] for row in chunks]


def visible_texts(
    db: sqlite3.Connection, generation: int, after: int = 0, table: str = NOW
) -> Iterator[tuple[bytes, bytes]]:
    """(vector, terms) of every visible chunk, in the order of `visible_documents`. ValueError for damaged ones."""
    rows = db.execute(
        "SELECT t.vector, t.terms, t.sum FROM documents d CROSS JOIN chunks c ON c.document = d.id"
        f" CROSS JOIN {table} t ON t.hash = c.text_hash WHERE {VISIBLE} AND added > :after"
        " ORDER BY d.source, c.number",
        {"g": generation, "after": after},
    )
    for vector, terms, checked in rows:
        if zlib.crc32(terms, zlib.crc32(vector)) != checked:
            raise ValueError("a vector was changed")
        yield vector, terms
