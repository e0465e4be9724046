"""The SQLite file that is the truth of an index: documents, chunks, hashes and vectors.

A document row is never changed. It is visible from the generation in which it was added up to, not including,
the one in which it was removed, so that a crash between two generations leaves the old one whole.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rag.encoders import Vectors
from rag.schema import Chunk, Document, Heading, Page

NAME = "catalogue.sqlite3"
_TABLES = """
CREATE TABLE IF NOT EXISTS documents(
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, sha256 TEXT NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
  chunking TEXT NOT NULL, text TEXT NOT NULL, pages TEXT NOT NULL, headings TEXT NOT NULL, metadata TEXT NOT NULL,
  added INTEGER NOT NULL, removed INTEGER);
CREATE INDEX IF NOT EXISTS documents_source ON documents(source);
CREATE TABLE IF NOT EXISTS chunks(
  document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE, number INTEGER NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, text_hash TEXT NOT NULL,
  PRIMARY KEY(document, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_hash ON chunks(text_hash);
CREATE TABLE IF NOT EXISTS vectors(text_hash TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_VISIBLE = "added <= :g AND (removed IS NULL OR removed > :g)"


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
        connection.execute("PRAGMA secure_delete = ON")  # deleted text is overwritten with zeros
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_TABLES)
        yield connection
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise ValueError(f"{folder / NAME} is damaged ({error}); delete {folder} and index again.") from error
    finally:
        connection.close()


@contextmanager
def read_catalogue(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection for reading; opened for writing too, to roll back what a killed writer left."""
    path = folder / NAME
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; index the documents again.")
    connection = sqlite3.connect(path, timeout=30)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise BlockingIOError(f"{path} is busy with a large update; try again in a moment.") from error
        raise ValueError(f"{path} cannot be read ({error}); delete {folder} and index again.") from error
    finally:
        connection.close()


def forget_unfinished(db: sqlite3.Connection, generation: int) -> None:
    """Undo the document rows of an interrupted run; its vectors stay, they are what took the time."""
    with db:
        db.execute("DELETE FROM documents WHERE added > ?", (generation,))
        db.execute("UPDATE documents SET removed = NULL WHERE removed > ?", (generation,))


def adopt_embedder(db: sqlite3.Connection, weight_hash: str) -> None:
    """Vectors that an interrupted run left count only for the weights that made them."""
    stored = db.execute("SELECT value FROM settings WHERE name = 'embedder'").fetchone()
    if stored != (weight_hash,):
        with db:
            db.execute("DELETE FROM vectors")
            db.execute("INSERT OR REPLACE INTO settings VALUES ('embedder', ?)", (weight_hash,))


def known_documents(db: sqlite3.Connection, generation: int) -> dict[str, Known]:
    """Visible documents by source."""
    rows = db.execute(
        f"SELECT id, source, sha256, mtime_ns, size, chunking FROM documents WHERE {_VISIBLE}",
        {"g": generation},
    )
    names = ("id", "source", "sha256", "mtime_ns", "size", "chunking")
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
) -> None:
    """Put a document and its chunks in; `stamp` is (mtime_ns, size) of its file, zeros when it has none."""
    key = db.execute(
        "INSERT INTO documents(source, sha256, mtime_ns, size, chunking, text, pages, headings, metadata, added)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document.source,
            sha256,
            *stamp,
            chunking,
            document.text,
            json.dumps([[p.number, p.start, p.end] for p in document.pages]),
            json.dumps([asdict(h) for h in document.headings], ensure_ascii=False),
            json.dumps(dict(document.metadata), ensure_ascii=False),
            generation,
        ),
    ).lastrowid
    db.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(key, number, c.start, c.end, c.page, c.heading, text_hash(c)) for number, c in enumerate(chunks)],
    )


def remove_documents(db: sqlite3.Connection, keys: Iterable[int], generation: int) -> None:
    """Hide documents from `generation` on."""
    db.executemany("UPDATE documents SET removed = ? WHERE id = ?", [(generation, key) for key in keys])


def touch_document(db: sqlite3.Connection, key: int, stamp: tuple[int, int]) -> None:
    """Remember the time and size of a file whose content was found unchanged."""
    db.execute("UPDATE documents SET mtime_ns = ?, size = ? WHERE id = ?", (*stamp, key))


def drop_invisible(db: sqlite3.Connection, generation: int) -> None:
    """Erase what neither this generation nor a later one shows: documents, their chunks, unused vectors."""
    with db:
        db.execute("DELETE FROM documents WHERE removed <= ?", (generation,))
        db.execute("DELETE FROM vectors WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")


def visible_chunks(db: sqlite3.Connection, generation: int) -> list[tuple[Chunk, str]]:
    """(chunk, text hash) in the order of sources and places: the positions that the derived views use."""
    rows = db.execute(
        'SELECT d.id, d.source, d.text, d.metadata, c.start, c."end", c.page, c.heading, c.text_hash'
        f" FROM documents d JOIN chunks c ON c.document = d.id WHERE {_VISIBLE} ORDER BY d.source, c.number",
        {"g": generation},
    )
    found: list[tuple[Chunk, str]] = []
    key, metadata = None, {}
    for row in rows:
        if row[0] != key:
            key, metadata = row[0], json.loads(row[3])
        chunk = Chunk(
            source=row[1], text=row[2][row[4] : row[5]], start=row[4], end=row[5], page=row[6], heading=row[7],
            metadata=metadata,
        )  # fmt: skip
        found.append((chunk, row[8]))
    return found


def read_document(db: sqlite3.Connection, source: str, generation: int) -> Document | None:
    """One visible document, None when there is none of that name."""
    row = db.execute(
        f"SELECT text, pages, headings, metadata FROM documents WHERE source = :s AND {_VISIBLE}",
        {"s": source, "g": generation},
    ).fetchone()
    if row is None:
        return None
    return Document(
        text=row[0],
        source=source,
        pages=tuple(Page(number=n, start=s, end=e) for n, s, e in json.loads(row[1])),
        headings=tuple(Heading(**heading) for heading in json.loads(row[2])),
        metadata=json.loads(row[3]),
    )


def document_rows(db: sqlite3.Connection, generation: int) -> list[tuple[str, int, int, str]]:
    """(source, chunks, characters, metadata as JSON) of the visible documents."""
    return db.execute(
        "SELECT source, (SELECT COUNT(*) FROM chunks WHERE document = id), LENGTH(text), metadata"
        f" FROM documents WHERE {_VISIBLE} ORDER BY source",
        {"g": generation},
    ).fetchall()


def stored_hashes(db: sqlite3.Connection) -> set[str]:
    """Hashes of the texts whose vectors are there."""
    return {row[0] for row in db.execute("SELECT text_hash FROM vectors")}


def save_vectors(db: sqlite3.Connection, hashes: Sequence[str], vectors: Vectors) -> None:
    """Commit one batch, so that an interrupted run need not compute it again."""
    rows = [(key, vector.astype("<f4").tobytes()) for key, vector in zip(hashes, vectors, strict=True)]
    with db:
        db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


def read_vectors(db: sqlite3.Connection, hashes: Sequence[str], dimension: int) -> Vectors:
    """One row per hash, in order. KeyError for a hash without a vector."""
    stored = dict(db.execute("SELECT text_hash, vector FROM vectors"))
    found = np.zeros((len(hashes), dimension), dtype=np.float32)
    for position, key in enumerate(hashes):
        found[position] = np.frombuffer(stored[key], dtype="<f4")
    return found


def indexed_text(chunk: Chunk) -> str:
    """What is embedded and searched: the chunk under its path of headings, which often names its subject."""
    # 72 characters of heading leave 180 tokens of text within the 254 that MiniLM reads, even in Chinese.
    return f"{chunk.heading[-72:]}\n{chunk.text}" if chunk.heading else chunk.text


def text_hash(chunk: Chunk) -> str:
    """Names the vector of a chunk: equal texts share one, under whatever file name."""
    return hashlib.sha256(indexed_text(chunk).encode("utf-8", "surrogatepass")).hexdigest()
