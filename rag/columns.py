"""Numbers and texts in files that are mapped into memory: nothing is decoded before it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.runs import Places, Runs, starts_of

_COUNT = np.dtype("<u8")
_END = np.dtype("<i8")


class TextTable:
    """Texts by number, in one file: all bytes as UTF-8, then where each text ends, then how many there are."""

    def __init__(self, path: Path) -> None:
        whole = map_bytes(path)
        if len(whole) < _COUNT.itemsize:
            raise ValueError(f"{path} is damaged: it has no count")
        count = int(whole[-_COUNT.itemsize :].view(_COUNT)[0])
        size = len(whole) - _COUNT.itemsize * (count + 1)
        if size < 0:
            raise ValueError(f"{path} is damaged: {count} texts do not fit {len(whole)} bytes")
        self._bytes = whole[:size]
        self._ends: NDArray[np.int64] = whole[size : len(whole) - _COUNT.itemsize].view(_END)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        return self.cut(int(self._ends[number - 1]) if number else 0, int(self._ends[number]))

    @property
    def starts(self) -> Places:
        """Where each text begins in the file, in bytes, and at the end where the last one ends."""
        return starts_of(self._ends)

    @property
    def letters(self) -> NDArray[np.uint8]:
        """All texts in UTF-8, one after another."""
        return self._bytes[: int(self._ends[-1]) if len(self) else 0]

    def cut(self, start: int, end: int) -> str:
        """The text between two places of the file, in bytes."""
        return self._bytes[start:end].tobytes().decode("utf-8", "surrogatepass")


class TextWriter:
    """Writes a `TextTable` text by text, so that a large one never lies in memory."""

    def __init__(self, file: BufferedWriter) -> None:
        self._file = file
        self._ends: list[int] = []
        self.size = 0

    def add(self, data: bytes) -> int:
        """Append one text as UTF-8; returns its number."""
        self._file.write(data)
        self.size += len(data)
        self._ends.append(self.size)
        return len(self._ends) - 1

    def finish(self) -> None:
        """Write the ends; the file is closed by whoever opened it."""
        write_ends(self._file, np.asarray(self._ends, dtype=_END))


def write_texts(path: Path, texts: Iterable[bytes]) -> None:
    """A `TextTable` of texts as UTF-8."""
    with path.open("wb") as file:
        table = TextWriter(file)
        for text in texts:
            table.add(text)
        table.finish()


def join_texts(path: Path, old: TextTable, added: TextTable, runs: Runs) -> None:
    """Write the texts of two tables as one, in the order of `runs`: what a `TextWriter` would have written."""
    places = runs.through(old.starts, added.starts)
    lengths = runs.join(np.diff(old.starts), np.diff(added.starts))
    with path.open("wb") as file:
        places.write(file, old.letters, added.letters)
        write_ends(file, np.cumsum(lengths, dtype=_END))


def write_ends(file: BufferedWriter, ends: NDArray[np.int64]) -> None:
    """What stands in the file of a `TextTable` behind the texts."""
    size = int(ends[-1]) if len(ends) else 0
    file.write(bytes(-size % _END.itemsize))  # so that the numbers stand where they can be mapped
    file.write(ends.astype(_END).tobytes())
    file.write(np.asarray([len(ends)], dtype=_COUNT).tobytes())


def encoded(text: str) -> bytes:
    """UTF-8; half of a pair of surrogates, as damaged documents hold, passes."""
    return text.encode("utf-8", "surrogatepass")


def byte_places(text: str, data: bytes, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where characters of `text` stand in `data`, its UTF-8; the end of the text is a place too."""
    if len(text) == len(data):
        return places
    letters = np.frombuffer(data, dtype=np.uint8)
    starts = np.flatnonzero((letters & 0xC0) != 0x80)  # bytes that begin a character
    found: NDArray[np.int64] = np.append(starts, len(data))[places]
    return found


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """A file as bytes, mapped. OSError when it is missing."""
    if path.stat().st_size == 0:
        return np.zeros(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r")


def map_rows(path: Path, kind: Any, count: int, width: int = 0) -> NDArray[Any]:
    """`count` rows of one kind (each of `width` numbers when it is given), mapped. ValueError when they do not fit."""
    shape = (count, width) if width else (count,)
    wanted = np.dtype(kind).itemsize * count * max(width, 1)
    if path.stat().st_size != wanted:
        raise ValueError(f"{path} is damaged: it holds {path.stat().st_size} bytes, not {wanted}")
    if not wanted:
        return np.zeros(shape, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r", shape=shape)
