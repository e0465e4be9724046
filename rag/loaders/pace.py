"""A sign of life from inside a long read, so that a limit on time holds for a page and not for a thousand of them."""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def listen(listener: Callable[[], None]) -> None:
    """Have `listener` called at each step; a worker process tells its parent in this way."""
    _listeners.append(listener)


def step_done() -> None:
    """Called by a loader after each page that takes seconds; without a listener nothing happens."""
    for listener in _listeners:
        listener()
