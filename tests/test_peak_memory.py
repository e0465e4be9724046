from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest
from peak_memory import PeakMemory

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
MIB = 1 << 20


def held(size_bytes: int) -> mmap.mmap:
    """New pages, where the allocator might hand out again what earlier tests gave back to it."""
    pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for start in range(0, size_bytes, MIB):
        pages[start : start + MIB] = b"x" * MIB
    return pages


def test_what_a_process_and_its_children_hold_counts_once_they_hold_it() -> None:
    with PeakMemory(beyond_start=True) as peak:
        ours = held(256 * MIB)
        subprocess.run(
            [sys.executable, "-c", f"import time; a = b'x' * {384 * MIB}; time.sleep(.5)"], check=True
        )
    assert 540 * MIB < peak.size_bytes < 760 * MIB and ours  # other threads may take or give back some


def test_a_child_that_only_just_begins_does_not_count_its_parents_memory_again() -> None:
    ballast = held(512 * MIB)
    with PeakMemory(beyond_start=True, interval_seconds=0.0) as peak:
        for _ in range(20):
            subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
    assert peak.size_bytes < 256 * MIB and ballast
