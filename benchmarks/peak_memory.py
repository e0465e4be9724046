"""The memory that this process and the programs it starts hold together, watched from a thread (Linux)."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class PeakMemory:
    """The most bytes that this process and its children held together at one moment.

    `beyond_start` leaves out what this process held on entering. Seen every `interval_seconds`; 0 without /proc.
    """

    def __init__(self, *, beyond_start: bool = False, interval_seconds: float = 0.02) -> None:
        self.size_bytes = 0
        self._before = _resident(os.getpid()) if beyond_start else 0
        self._interval = interval_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *of: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            held = sum(map(_resident, [os.getpid(), *_children()])) - self._before
            self.size_bytes = max(self.size_bytes, held)


def _children() -> list[int]:
    """Children that run a program of their own: until then a new child shows the memory of its parent."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*"):
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:  # a thread that ended meanwhile
            continue
    ours = _command(os.getpid())
    return [child for child in found if _command(child) not in ("", ours)]


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
