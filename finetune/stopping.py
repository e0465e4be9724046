"""How a run ends before its last step: Ctrl-C and SIGTERM let it finish the step and write a checkpoint, and
a loss that is no number breaks it off."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class TrainingInterrupted(KeyboardInterrupt):
    """The run was stopped; its message says where and how to go on."""


class Diverged(ValueError):
    """A step's loss or gradient was no finite number; the weights are those of the step before."""

    def __init__(self, message: str, learning_rate: float) -> None:
        super().__init__(message)
        self.learning_rate = learning_rate


class StopRequest:
    """While open, the first signal sets `requested`; a second Ctrl-C ends the run at once.

    Outside the main thread Python allows no signal handlers; there `requested` may be set by the owner of
    the thread.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()
