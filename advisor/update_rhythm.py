"""How often documents change, read from the git history of their folder or from the times of their files."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .phrase import Phrase, say

if TYPE_CHECKING:
    import subprocess

_DAY_S = 86_400
_WINDOW_DAYS = 365
_FEWEST_DAYS = 3  # days with changes, between which there are at least two gaps
_FEWEST_FILES = 5
_AT_ONCE_S = 3_600
_AT_ONCE_SHARE = 0.5  # of the files changed within an hour: they were copied or unpacked then
_LEAST_WAIT_S = 0.02  # enough to fetch an answer that is ready
_AT_REST = 4  # silent for so many gaps: the documents no longer change as they did
# A repository's own settings may name programs that git starts; a listing of dates needs none of them.
_GIT = (
    "git --no-pager --no-optional-locks -c log.showSignature=false -c core.fsmonitor=false -c core.hooksPath=/dev/null"
    f" log --no-show-signature --format=%at --since={_WINDOW_DAYS}.days -- ."
).split()


class History:
    """`git log` at work beside the reading of the files; its answer is fetched at the end, or given up."""

    def __init__(self, folder: Path, patience_s: float) -> None:
        self._deadline = time.perf_counter() + patience_s
        self.within = any(
            (place / ".git").exists() for place in (folder.absolute(), *folder.absolute().parents)
        )
        self._process = _start(folder) if self.within else None

    def commits(self) -> list[float] | None:
        """Seconds since 1970 of the commits that changed the folder; None where git gave no answer in time."""
        if self._process is None:
            return None
        import subprocess

        try:
            left = max(_LEAST_WAIT_S, self._deadline - time.perf_counter())
            answer, _ = self._process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return None
        return (
            [float(line) for line in answer.split() if line.isdigit()]
            if not self._process.returncode
            else None
        )


def read_rhythm(history: History, changed: Sequence[float], now: float) -> tuple[float | None, Phrase | None]:
    """Days from one change to the next, None where nothing tells them, and a sentence on where that was read."""
    commits = history.commits() if history.within else []
    if commits is None:
        return None, say("update frequency not known: git gave no history of the folder in time")
    if commits:
        days = change_days(commits, now)
        if len(days) < _FEWEST_DAYS:
            return None, say(
                "update frequency not known: the git history has changes on {days} days only", days=len(days)
            )
        return gap_days(days, now), say(
            "git history: changes on {days} days of the last year", days=len(days)
        )
    return _from_files(changed, now)


def _from_files(changed: Sequence[float], now: float) -> tuple[float | None, Phrase | None]:
    if len(changed) < _FEWEST_FILES:
        return None, None
    at_once = _most_at_once(changed)
    if at_once > _AT_ONCE_SHARE * len(changed):
        return None, say(
            "update frequency not known: {files:,} of {all:,} files carry the same time, as after a copy",
            files=at_once,
            all=len(changed),
        )
    days = change_days(changed, now)
    if len(days) < _FEWEST_DAYS:
        return None, say(
            "update frequency not known: the files were changed on {days} days of the last year",
            days=len(days),
        )
    return gap_days(days, now), say(
        "modification times: files last changed on {days} different days of the last year", days=len(days)
    )


def change_days(moments: Collection[float], now: float) -> list[int]:
    """Days since 1970 on which something changed, within the window, in order; nothing from the future."""
    first = now - _WINDOW_DAYS * _DAY_S
    return sorted({int(moment // _DAY_S) for moment in moments if first <= moment <= now + _DAY_S})


def gap_days(days: Sequence[int], now: float) -> float:
    """The median gap between days with changes, or the silence since the last one where that is far longer."""
    gaps = sorted(later - earlier for earlier, later in zip(days, days[1:], strict=False))
    middle = len(gaps) // 2
    median = gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2
    silence = now // _DAY_S - days[-1]
    return float(max(silence, 1) if silence > _AT_REST * median else median)


def _most_at_once(changed: Sequence[float]) -> int:
    """The most files whose times lie within one clock hour or the next."""
    hours = Counter(int(moment // _AT_ONCE_S) for moment in changed)
    return max(hours[hour] + hours[hour + 1] for hour in list(hours))


def _start(folder: Path) -> subprocess.Popen[bytes] | None:
    import subprocess

    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
    try:
        return subprocess.Popen(
            _GIT,
            cwd=folder,
            env={**plain, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None  # git is not installed
