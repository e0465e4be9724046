"""A file of JSON lines that survives a crash: each line is on the disk before the next is begun, one process writes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rag.durable import try_lock

Row = Mapping[str, Any]


class KeptLines:
    """Rows by their "key", in the order they were written. Without a file they are kept in memory alone."""

    def __init__(self, rows: Mapping[str, Row], file: BinaryIO | None = None) -> None:
        self.rows = dict(rows)
        self._file = file
        self._one_at_a_time = threading.Lock()

    def get(self, key: str) -> Row | None:
        return self.rows.get(key)

    def put(self, key: str, row: Row) -> None:
        """Appends the row and waits for the disk; a key that is there already is passed over."""
        with self._one_at_a_time:
            if key in self.rows:
                return
            if self._file is not None:
                self._file.write(json.dumps({**row, "key": key}, ensure_ascii=False).encode() + b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            self.rows[key] = {**row, "key": key}


@contextmanager
def kept_lines(path: Path | None) -> Iterator[KeptLines]:
    """The file, made where there is none; a last line that a crash cut off is dropped.

    Raises BlockingIOError while another process writes it, and ValueError for a file with other content.
    """
    if path is None:
        yield KeptLines({})
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if not try_lock(file.fileno()):
            raise BlockingIOError(f"{path} is being written by another process; wait, or name another --out.")
        file.seek(0)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        rows = {row["key"]: row for row in (_row(line, path) for line in whole.splitlines() if line.strip())}
        if len(content) > len(whole):
            _row(content[len(whole) :], path, torn=True)
            file.truncate(len(whole))
        yield KeptLines(rows, file)


def _row(line: bytes, path: Path, *, torn: bool = False) -> Row:
    """The row of a line. Raises ValueError for a line that this program did not write."""
    try:
        row = json.loads(line)
    except ValueError:
        if torn and line.startswith(b"{"):
            return {}
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("key"), str):
        raise ValueError(f"'{path}' was not written by 'advisor judge'; name another --out.")
    return row
