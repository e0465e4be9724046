"""A progress bar on the terminal, and a line now and then where there is none; both tell the rate and the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Draws how far a stage is. `detail` stands in the place of the rate, and stays until the next one."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None: ...


# Of the stages of an index; others count what they count.
UNITS = {"read": "files", "split": "files", "embed": "texts"}
_QUIET_SECONDS = 10.0  # a line at least this often while something moves


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callback `(stage, done, total)` that draws on standard error, so that output stays clean."""
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield progress_lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, tuple[TaskID, float]] = {}
        details: dict[str, str] = {}

        def show(stage: str, done: int, total: int, detail: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="", completed=done), time.monotonic()
            task, began = tasks[stage]
            details[stage] = detail or details.get(stage, "")
            rate = details[stage] or rate_text(stage, done, time.monotonic() - began)
            bar.update(task, completed=done, total=total, rate=rate)

        yield show


def progress_lines(clock: Callable[[], float] = time.monotonic) -> Progress:
    """Says a line at each quarter of a stage, and every ten seconds in between."""
    begun: dict[
        str, tuple[float, int]
    ] = {}  # when, and how much was done already: a resumed run begins later
    said: dict[str, tuple[int, float]] = {}
    details: dict[str, str] = {}

    def show(stage: str, done: int, total: int, detail: str = "") -> None:
        now = clock()
        details[stage] = detail or details.get(stage, "")
        began, first = begun.setdefault(stage, (now, done))
        # A stage that is told of once, at its end, is said as well.
        quarter, last = said.get(stage, (4 * first // max(total, 1) if first < total else 0, began))
        reached = 4 * done // max(total, 1)
        if reached <= quarter and not (now - last >= _QUIET_SECONDS and done < total):
            return
        said[stage] = max(reached, quarter), now
        seconds = now - began
        parts = [f"{stage}: {done} of {total}", details[stage] or rate_text(stage, done - first, seconds)]
        if first < done < total and seconds >= 1:
            parts.append(f"about {_duration(seconds / (done - first) * (total - done))} left")
        print(", ".join(part for part in parts if part), file=sys.stderr, flush=True)

    return show


def rate_text(stage: str, done: int, seconds: float) -> str:
    """For example "12.5 files/s"; nothing before there is a second to divide by."""
    if seconds < 1 or stage not in UNITS:
        return ""
    rate = done / seconds
    return f"{rate:.0f} {UNITS[stage]}/s" if rate >= 10 else f"{rate:.1f} {UNITS[stage]}/s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
