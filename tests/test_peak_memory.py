from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from peak_memory import PeakMemory

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
MIB = 1 << 20


def test_what_a_process_and_its_children_hold_counts_once_they_hold_it() -> None:
    with PeakMemory(beyond_start=True) as peak:
        ours = bytearray(b"x") * (64 * MIB)
        subprocess.run(
            [sys.executable, "-c", f"import time; a = b'x' * {96 * MIB}; time.sleep(.5)"], check=True
        )
    assert 160 * MIB < peak.size_bytes < 220 * MIB and ours


def test_a_child_that_only_just_begins_does_not_count_its_parents_memory_again() -> None:
    ballast = bytearray(b"x") * (512 * MIB)
    with PeakMemory(beyond_start=True, interval_seconds=0.0) as peak:
        for _ in range(20):
            subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
    assert peak.size_bytes < 256 * MIB and ballast
