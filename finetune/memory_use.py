"""Measures the most memory that a run held: on a card its tensors, on a processor the growth of the process."""

from __future__ import annotations

import sys
from pathlib import Path

import peft  # noqa: F401  # these two load hundreds of MiB of code, which is no part of a run
import torch
import transformers.trainer  # noqa: F401

GIB = 2**30
STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
CARD, PROCESS = "allocated on the card", "growth of the process"


class PeakMemory:
    """Made before a model is loaded; `begin` starts the measurement, `gib` reads it."""

    def __init__(self) -> None:
        self.kind = CARD if torch.cuda.is_available() else PROCESS
        self._before = 0 if torch.cuda.is_available() else _resident("VmRSS:")

    def begin(self) -> None:
        """Forgets peaks of what came before, such as of loading and scoring."""
        if torch.cuda.is_available():
            for card in range(torch.cuda.device_count()):
                torch.cuda.reset_peak_memory_stats(card)
        else:
            _forget_peak()

    def gib(self) -> float | None:
        """The peak since `begin`, of the fullest card; None where the system does not tell."""
        if torch.cuda.is_available():
            cards = range(torch.cuda.device_count())
            return max(torch.cuda.max_memory_allocated(card) for card in cards) / GIB
        peak = _resident("VmHWM:")
        return None if peak == 0 else max(0, peak - self._before) / GIB


def _resident(name: str) -> int:
    """Bytes that Linux says this process holds (VmRSS) or held at most (VmHWM); elsewhere 0."""
    if sys.platform != "linux":
        return 0
    for line in STATUS.read_text("utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    """Linux sets the peak back to the present when a 5 is written there (proc(5)); some containers forbid it."""
    if sys.platform != "linux":
        return
    try:
        CLEAR.write_text("5")
    except OSError:
        return  # the peak then includes what came before: it is an upper bound
