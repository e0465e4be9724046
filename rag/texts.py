"""The texts of a catalogue, each with its vector and its terms: one table, and a second one while all are made again.

The second is filled beside the first when another embedder, or another way to cut words, makes them. It takes the
place of the first once a generation made of it answers, so that until then nothing that answers has lost its vectors.
"""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rag.catalogue import UNUSED_TEXTS, VISIBLE, read_document, stored_chunks
from rag.encoders import Vectors
from rag.schema import Chunk

_log = logging.getLogger(__name__)
NOW, NEXT = "texts", "next_texts"  # the tables
# Settings: what made the texts of either table; and, left by earlier versions, that all are being made again.
_MADE_BY, _NEXT_BY, _MISSING = "texts", "next texts", "missing texts"


@dataclass(frozen=True, slots=True)
class Texts:
    """The table that a run fills; `kept` is False when it must hold all texts before a generation can be written."""

    db: sqlite3.Connection
    table: str
    kept: bool

    def has(self, key: bytes) -> bool:
        """Whether the vector and the terms of a text are there."""
        found = self.db.execute(f"SELECT 1 FROM {self.table} WHERE hash = ?", (key,)).fetchone()
        return found is not None

    def save(self, hashes: Sequence[bytes], vectors: Vectors, terms: Sequence[bytes]) -> None:
        """Commit one batch, so that an interrupted run need not compute it again."""
        rows = []
        for key, vector, words in zip(hashes, vectors, terms, strict=True):
            data = vector.astype("<f4").tobytes()
            rows.append((key, data, words, zlib.crc32(words, zlib.crc32(data))))
        columns = "hash, vector, terms, sum"
        with self.db:
            self.db.executemany(f"INSERT OR REPLACE INTO {self.table}({columns}) VALUES (?, ?, ?, ?)", rows)

    def missing(self, generation: int, after: int = 0) -> Iterator[list[Chunk]]:
        """The visible chunks without a vector, a list for each document that was added `after` a generation."""
        rows = self.db.execute(
            f"SELECT DISTINCT d.id {self._missing()}", {"g": generation, "after": after}
        ).fetchall()
        for (key,) in rows:
            yield stored_chunks(self.db, key, read_document(self.db, key))

    def count_missing(self, generation: int) -> int:
        """How many texts of a generation have no vector yet."""
        sql = f"SELECT COUNT(DISTINCT c.text_hash) {self._missing()}"
        return int(self.db.execute(sql, {"g": generation, "after": 0}).fetchone()[0])

    def _missing(self) -> str:
        return (
            f"FROM documents d JOIN chunks c ON c.document = d.id WHERE {VISIBLE} AND added > :after"
            f" AND NOT EXISTS (SELECT 1 FROM {self.table} WHERE hash = text_hash)"
        )


def texts_made_by(db: sqlite3.Connection, made_by: str, *, answering: bool) -> Texts:
    """Where the texts of these weights and this way to cut words stand; those of others are left until `take_over`.

    `answering`: whether a generation answers, whose texts must stay.
    """
    stored = _setting(db, _MADE_BY)
    if stored == made_by or not answering:
        _give_up_next(db)
        if stored != made_by:
            with db:
                db.execute(f"DELETE FROM {NOW}")
                db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_MADE_BY, made_by))
        return Texts(db, NOW, kept=_setting(db, _MISSING) is None)
    if _setting(db, _NEXT_BY) != made_by:
        _give_up_next(db)
        with _at_once(db):
            db.execute(
                f"CREATE TABLE {NEXT}(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, vector BLOB NOT NULL,"
                " terms BLOB NOT NULL, sum INTEGER NOT NULL)"
            )
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_NEXT_BY, made_by))
    return Texts(db, NEXT, kept=False)


def take_over(db: sqlite3.Connection) -> None:
    """The texts that were made again become the texts; the earlier ones are erased."""
    with _at_once(db):
        db.execute(f"DROP TABLE {NOW}")
        db.execute(f"ALTER TABLE {NEXT} RENAME TO {NOW}")
        db.execute("UPDATE settings SET value = ? WHERE name = ?", (_setting(db, _NEXT_BY), _MADE_BY))
        db.execute("DELETE FROM settings WHERE name = ?", (_NEXT_BY,))
        db.execute("INSERT OR REPLACE INTO settings VALUES (?, '')", (UNUSED_TEXTS,))


def settle(db: sqlite3.Connection, weight_hash: str) -> None:
    """Finish what a run began that was stopped between its manifest and `take_over`."""
    if _table_of(db, weight_hash) == NEXT:
        take_over(db)


def table_of(db: sqlite3.Connection, weight_hash: str) -> str:
    """The table with the vectors of these weights. ValueError when there is none."""
    if found := _table_of(db, weight_hash):
        return found
    raise ValueError(f"it holds no vectors of the embedder {weight_hash[:12]} that made the index")


def _table_of(db: sqlite3.Connection, weight_hash: str) -> str | None:
    made = {table: _setting(db, name) for table, name in ((NOW, _MADE_BY), (NEXT, _NEXT_BY))}
    return next((table for table, by in made.items() if by and by.startswith(f"{weight_hash}/")), None)


def _give_up_next(db: sqlite3.Connection) -> None:
    if _setting(db, _NEXT_BY) is None:
        return
    _log.warning("a change to another embedder that was not finished is given up")
    with _at_once(db):
        db.execute(f"DROP TABLE {NEXT}")
        db.execute("DELETE FROM settings WHERE name = ?", (_NEXT_BY,))


def _setting(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


@contextmanager
def _at_once(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction, which Python would begin only at the first row that changes."""
    db.commit()
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield
