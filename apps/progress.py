"""A progress bar on the terminal, and a line now and then where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]  # stage, done, total


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callback `(stage, done, total)` that draws on standard error, so that output stays clean."""
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield show


def _lines() -> Progress:
    said: dict[str, int] = {}

    def show(stage: str, done: int, total: int) -> None:
        quarter = 4 * done // max(total, 1)
        if quarter > said.get(stage, 0):
            said[stage] = quarter
            print(f"{stage}: {done} of {total}", file=sys.stderr)

    return show
