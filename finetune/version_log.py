"""The log of an adapter's versions: which one took the place when, why, by which figures and from which rows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

LOG = "log.json"
FORMAT = 1
_PATIENCE_S = 10.0  # a change is a few renames; one that takes longer is copying from another disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version taking the place of another."""

    action: str  # promoted, rolled back; found: an adapter that stood there before its history began
    number: int
    replaced: int | None = None  # the version that stood there before
    why: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""  # where its training rows are from
    time: str = ""  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """`pending` was decided and perhaps not carried out yet: a crash may have come between."""

    next: int = 1  # numbers are not used twice
    changes: tuple[Change, ...] = ()
    pending: Change | None = None


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def read_log(home: Path) -> Log:
    """The log in a folder of versions; an empty one where there is none. Raises ValueError in one line."""
    file = home / LOG
    if not file.is_file():
        return Log()
    try:
        content = json.loads(file.read_text("utf-8"))
        pending = content["pending"]
        return Log(
            next=int(content["next"]),
            changes=tuple(_change(one) for one in content["changes"]),
            pending=_change(pending) if pending else None,
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"'{file}' is damaged ({error}); the versions beside it are whole: move it away, and copy the one you "
            "want to the adapter's place."
        ) from None


def _change(found: Mapping[str, Any]) -> Change:
    known = {one.name for one in fields(Change)}
    return Change(**{name: value for name, value in found.items() if name in known})


def write_log(home: Path, log: Log) -> None:
    """Swaps the file at once, and makes the renames before it last."""
    content = {"format": FORMAT, **asdict(log)}
    fresh = home / (LOG + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / LOG)
    for folder in (home, home.parent):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Renames in `folder` outlast a power cut, where the system can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(home: Path, *, patience_s: float = _PATIENCE_S, busy: str = "") -> Iterator[None]:
    """One process has the folder to itself. The system frees the lock when its holder dies.

    Raises BlockingIOError, with the words `busy`, after waiting for `patience_s`.
    """
    with (home / "lock").open("a+") as file:
        give_up = time.monotonic() + patience_s
        while not _taken(file.fileno()):
            if time.monotonic() > give_up:
                busy = busy or f"'{home}' is being changed by another process"
                raise BlockingIOError(f"{busy}; try again when it has ended.")
            time.sleep(0.02)
        yield


def _taken(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
