"""Files that survive a crash: atomic writes, the lock of the one writer, and a full disk told in one line."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
# What SQLite says for a full disk, for a quota, and for a write cut short by either.
_SQLITE_FULL = ("database or disk is full", "disk i/o error")


def write_file(path: Path, data: bytes) -> str:
    """Write and sync; returns the SHA-256 of what was written."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Swap the content of `path` at once: a reader or a crash sees the old or the new, never a part."""
    temporary = path.with_name(path.name + ".new")
    write_file(temporary, data)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> str:
    """Push a file that was written to the disk; returns its SHA-256."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return sha256_of(path)


class Seals:
    """Pushes the files of a folder to the disk and sums them, beside whatever is written meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="sums")
        self._sums: dict[Path, Future[str]] = {}

    def __enter__(self) -> Seals:
        return self

    def __exit__(self, *raised: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def add(self, part: Path) -> None:
        """Begin with a file that is complete, or with all those below a folder."""
        for path in [part] if part.is_file() else sorted(part.rglob("*")):
            if path.is_file() and path not in self._sums:
                self._sums[path] = self._threads.submit(sync_file, path)

    def finish(self) -> dict[str, str]:
        """The SHA-256 of every file in the folder, by name; folders are pushed to the disk too."""
        self.add(self._folder)
        sums = {
            path.relative_to(self._folder).as_posix(): found.result() for path, found in self._sums.items()
        }
        for part in (*(path for path in self._folder.rglob("*") if path.is_dir()), self._folder):
            sync_folder(part)
        return dict(sorted(sums.items()))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece: a file may be larger than memory."""
    digest, piece = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(piece):
            digest.update(piece[:size])
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable, where the system can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Only one process writes an index. The system frees the lock when its holder dies, however it dies."""
    path = folder / "writer.lock"
    try:
        opened = path.open("a+", encoding="ascii")
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        raise PermissionError(
            f"{folder} cannot be written ({str(error.strerror).lower()}); what it holds still answers. "
            f"Change its permissions, or index into another folder: advisor index DOCS --out NEW_FOLDER"
        ) from error
    with opened as file:
        if not try_lock(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BlockingIOError(
                f"{folder} is being written by process {holder}; wait until it has ended and run this again."
            )
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def try_lock(handle: int) -> bool:
    """Whether this process now holds the open file alone; the system frees it when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            # The byte lies far behind the number, so that others can still read who holds the lock.
            os.lseek(handle, 1 << 20, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def full_disk_named(folder: Path, intact: str) -> Iterator[None]:
    """Turn the many faces of a full disk into one OSError line that ends with what is `intact`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        full = (
            error.errno in _FULL or "requested and" in str(error)  # as NumPy says it, without a number
            if isinstance(error, OSError)
            else any(sign in str(error).lower() for sign in _SQLITE_FULL)
        )
        if not full:
            raise
        raise OSError(
            f"The disk of {folder} is full; {intact} Free some space and run the same command again."
        ) from error
