"""Cuts work into batches of texts of like length and says how many of them this processor runs at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def make_batches(lengths: Sequence[int], budget: int, *, pads: bool) -> list[list[int]]:
    """Positions, the longest first, in batches of at most `budget` padded tokens, or of one text that is longer.

    The longest first, so that what would not fit into memory fails at once. Without padding, a batch holds texts of one
    length only.
    """
    found: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        batch = found[-1] if found else []
        width = lengths[batch[0]] if batch else 0
        if batch and (len(batch) + 1) * width <= budget and (pads or lengths[position] == width):
            batch.append(position)
        else:
            found.append([position])
    return found


def physical_cores() -> int:
    """Cores that this process may use; two hardware threads of one core are no faster at this work than one."""
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    siblings = [Path(_SIBLINGS.format(cpu)) for cpu in allowed]
    groups = {path.read_text().strip() for path in siblings if path.is_file()}
    return len(groups) or len(allowed)
