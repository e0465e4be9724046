"""The SQLite file that is the truth of an index: documents, chunks, and of each text its vector and its terms.

A document row is never changed. It is visible from the generation in which it was added up to, not including,
the one in which it was removed, so that a crash between two generations leaves the old one whole.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.schema import Chunk, Document, Heading, Page

NAME = "catalogue.sqlite3"
# In pages of 8 KiB four rows of a text lie side by side; a table WITHOUT ROWID would spill each vector into pages
# of its own: 4.7 kB for a vector of 384 numbers instead of 2.1.
_SETTINGS = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;"
_TABLES = """
CREATE TABLE IF NOT EXISTS documents(
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, sha256 TEXT NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
  chunking TEXT NOT NULL, text TEXT NOT NULL, pages TEXT NOT NULL, headings TEXT NOT NULL, metadata TEXT NOT NULL,
  sum INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER);
CREATE INDEX IF NOT EXISTS documents_source ON documents(source);
CREATE INDEX IF NOT EXISTS documents_removed ON documents(removed) WHERE removed IS NOT NULL;
CREATE INDEX IF NOT EXISTS documents_added ON documents(added);
CREATE TABLE IF NOT EXISTS chunks(
  document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE, number INTEGER NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, text_hash BLOB NOT NULL,
  PRIMARY KEY(document, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_hash ON chunks(text_hash);
CREATE TABLE IF NOT EXISTS texts(
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, terms BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
VISIBLE = "added <= :g AND (removed IS NULL OR removed > :g)"
# Settings that are there until the next generation answers, whatever interrupts the runs before it:
UNUSED_TEXTS = "unused texts"  # texts of an interrupted run may be left
_MISSING_TEXTS = "missing texts"  # left by earlier versions: all texts are being made again
_KNOWN = "id, source, sha256, mtime_ns, size, chunking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a document without its text; `mtime_ns` 0 means that the time cannot be trusted."""

    id: int
    source: str
    sha256: str
    mtime_ns: int
    size: int
    chunking: str


@contextmanager
def open_catalogue(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection with the tables made. A rollback journal, not WAL: one file, and no trace of deleted text."""
    connection = sqlite3.connect(folder / NAME, timeout=30)
    try:
        connection.executescript(_SETTINGS)
        connection.execute("PRAGMA secure_delete = ON")  # deleted text is overwritten with zeros
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")  # 64 MiB
        connection.executescript(_TABLES)
        yield connection
    except sqlite3.DatabaseError as error:
        # A table that is gone is damage too; a lock or a full disk is not.
        if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
            raise
        raise damaged(folder, str(error)) from error
    finally:
        connection.close()


@contextmanager
def read_catalogue(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection for reading; opened for writing too, to roll back what a killed writer left."""
    path = folder / NAME
    if not path.is_file():
        raise damaged(folder, "it is missing")
    connection = sqlite3.connect(path, timeout=30)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise BlockingIOError(f"{path} is busy with a large update; try again in a moment.") from error
        raise damaged(folder, str(error)) from error
    finally:
        connection.close()


def damaged(folder: Path, reason: str) -> ValueError:
    """The error for a catalogue that cannot be trusted, with the command that makes it anew."""
    return ValueError(
        f"{folder / NAME} is damaged ({reason}); delete {folder} and index the documents again: "
        f"advisor index DOCS --out {folder}"
    )


def forget_unfinished(db: sqlite3.Connection, generation: int) -> None:
    """Undo the document rows of an interrupted run; its texts stay, they are what took the time."""
    with db:
        if db.execute("DELETE FROM documents WHERE added > ?", (generation,)).rowcount:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, '')", (UNUSED_TEXTS,))
        db.execute("UPDATE documents SET removed = NULL WHERE removed > ?", (generation,))


def known_documents(db: sqlite3.Connection, generation: int) -> dict[str, Known]:
    """Visible documents by source."""
    rows = db.execute(f"SELECT {_KNOWN} FROM documents WHERE {VISIBLE}", {"g": generation})
    names = _KNOWN.split(", ")
    return {row[1]: Known(**dict(zip(names, row, strict=True))) for row in rows}


def add_document(
    db: sqlite3.Connection,
    document: Document,
    chunks: Sequence[Chunk],
    *,
    sha256: str,
    stamp: tuple[int, int],
    chunking: str,
    generation: int,
) -> int:
    """Put a document and its chunks in; `stamp` is (mtime_ns, size) of its file, zeros when it has none."""
    fields = (
        document.text,
        json.dumps([[p.number, p.start, p.end] for p in document.pages]),
        json.dumps([asdict(h) for h in document.headings], ensure_ascii=False),
        json.dumps(dict(document.metadata), ensure_ascii=False),
    )
    key = db.execute(
        "INSERT INTO documents(source, sha256, mtime_ns, size, chunking, text, pages, headings, metadata, sum, added)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (document.source, sha256, *stamp, chunking, *fields, checksum(*fields), generation),
    ).lastrowid
    db.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(key, number, c.start, c.end, c.page, c.heading, text_hash(c)) for number, c in enumerate(chunks)],
    )
    return int(key or 0)


def remove_documents(db: sqlite3.Connection, keys: Iterable[int], generation: int) -> None:
    """Hide documents from `generation` on."""
    db.executemany("UPDATE documents SET removed = ? WHERE id = ?", [(generation, key) for key in keys])


def touch_document(db: sqlite3.Connection, key: int, stamp: tuple[int, int]) -> None:
    """Remember the time and size of a file whose content was found unchanged."""
    db.execute("UPDATE documents SET mtime_ns = ?, size = ? WHERE id = ?", (*stamp, key))


def drop_invisible(db: sqlite3.Connection, generation: int) -> None:
    """Erase what neither this generation nor a later one shows, and give freed pages back when they are many."""
    with db:
        unused = "hash NOT IN (SELECT text_hash FROM chunks)"
        db.execute("DELETE FROM settings WHERE name = ?", (_MISSING_TEXTS,))
        if db.execute("DELETE FROM settings WHERE name = ?", (UNUSED_TEXTS,)).rowcount:
            _delete_documents(db, generation)
            db.execute(f"DELETE FROM texts WHERE {unused}")
        else:
            hashes = _delete_documents(db, generation)
            still = "EXISTS (SELECT 1 FROM chunks WHERE text_hash = hash)"
            db.executemany(f"DELETE FROM texts WHERE hash = ? AND NOT {still}", hashes)
    free, pages = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    if free > pages // 4:
        db.execute("PRAGMA incremental_vacuum").fetchall()


def _delete_documents(db: sqlite3.Connection, generation: int) -> list[tuple[bytes]]:
    """Those that were removed; returns the hashes of the texts of their chunks."""
    hashes = db.execute(
        "SELECT DISTINCT text_hash FROM chunks WHERE document IN (SELECT id FROM documents WHERE removed <= ?)",
        (generation,),
    ).fetchall()
    db.execute("DELETE FROM documents WHERE removed <= ?", (generation,))
    return hashes


def count_visible(db: sqlite3.Connection, generation: int) -> tuple[int, int]:
    """(documents, chunks) that a generation shows: all but the few that it does not, so that no row is read."""
    hidden = "SELECT id FROM documents WHERE added > :g UNION SELECT id FROM documents WHERE removed <= :g"
    row = db.execute(
        f"SELECT (SELECT COUNT(*) FROM documents) - (SELECT COUNT(*) FROM ({hidden})),"
        f" (SELECT COUNT(*) FROM chunks) - (SELECT COUNT(*) FROM chunks WHERE document IN ({hidden}))",
        {"g": generation},
    ).fetchone()
    return row[0], row[1]


def read_document(db: sqlite3.Connection, key: int) -> Document:
    """One document by its key."""
    row = db.execute(
        "SELECT source, text, pages, headings, metadata FROM documents WHERE id = ?", (key,)
    ).fetchone()
    return document_of(*row)


def copy_chunks(db: sqlite3.Connection, key: int, to: int) -> None:
    """Give a document the chunks of another one of the same text."""
    db.execute(
        'INSERT INTO chunks SELECT ?, number, start, "end", page, heading, text_hash FROM chunks WHERE document = ?',
        (to, key),
    )


def stored_chunks(db: sqlite3.Connection, key: int, document: Document) -> list[Chunk]:
    """The chunks of a document, without what it says of itself."""
    places = db.execute(
        'SELECT start, "end", page, heading FROM chunks WHERE document = ? ORDER BY number', (key,)
    )
    return [
        Chunk(source=document.source, text=document.text[s:e], start=s, end=e, page=page, heading=heading)
        for s, e, page, heading in places
    ]


def indexed_text(chunk: Chunk) -> str:
    """What is embedded and searched: the chunk under its path of headings, which often names its subject."""
    # 72 characters of heading leave 180 tokens of text within the 254 that MiniLM reads, even in Chinese.
    return f"{chunk.heading[-72:]}\n{chunk.text}" if chunk.heading else chunk.text


def text_hash(chunk: Chunk) -> bytes:
    """Names the vector of a chunk: equal texts share one, under whatever file name."""
    return hashlib.sha256(indexed_text(chunk).encode("utf-8", "surrogatepass")).digest()


def document_of(source: str, text: str, pages: str, headings: str, metadata: str) -> Document:
    """A document from the fields of its row."""
    return Document(
        text=text,
        source=source,
        pages=tuple(Page(number=n, start=s, end=e) for n, s, e in json.loads(pages)),
        headings=tuple(Heading(**heading) for heading in json.loads(headings)),
        metadata=json.loads(metadata),
    )


def checksum(*fields: str) -> int:
    """CRC-32 of what a document row says: it finds damage, not malice."""
    found = 0
    for part in fields:
        found = zlib.crc32(part.encode("utf-8", "surrogatepass"), found)
    return found
