"""Work measured in processes of their own; rows are kept in a file, so that a run that was stopped goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parent
BUILD = BENCHMARKS.parent / "build"
_MARK = "RESULT "

Row = dict[str, Any]


class Rows:
    """Finished rows by name, in a JSON file."""

    def __init__(self, path: Path, again: bool) -> None:
        self.path = path
        self._rows: dict[str, Row] = (
            {} if again or not path.is_file() else json.loads(path.read_text("utf-8"))
        )

    def get(self, name: str, work: Callable[[], Row]) -> Row:
        """The kept row, or the one that `work` gives, kept at once."""
        if name in self._rows:
            print(f"  {name}: kept from before", flush=True)
            return self._rows[name]
        start = time.perf_counter()
        print(f"  {name} ...", end="", flush=True)
        self._rows[name] = work()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self._rows, indent=1), "utf-8")
        print(f" {time.perf_counter() - start:.1f} s", flush=True)
        return self._rows[name]


def in_process(script: str, arguments: Mapping[str, Any], threads: int, limit_s: float = 7200) -> Row:
    """What `script` reports with `report`, run with this many threads for every library. RuntimeError when it fails."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON", "VECLIB")
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}
    environment |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONWARNINGS": "ignore"}
    environment["PYTHONPATH"] = f"{BENCHMARKS.parent}{os.pathsep}{BENCHMARKS}"
    command = [sys.executable, str(BENCHMARKS / script), json.dumps(arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit_s)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if done.returncode or not lines:
        raise RuntimeError(
            f"{script} {json.dumps(arguments)} failed ({done.returncode}):\n{done.stderr[-2000:]}"
        )
    return dict(json.loads(lines[-1][len(_MARK) :]))


def arguments() -> Row:
    """What `in_process` gave to this process."""
    return dict(json.loads(sys.argv[1]))


def report(row: Row) -> None:
    """Hand a row to the process that waits for it."""
    print(_MARK + json.dumps(row), flush=True)


def resident_mib() -> float:
    """Resident memory of this process, mapped files that were touched included."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def times_ms(work: Callable[[str], object], items: Sequence[str]) -> list[float]:
    """Milliseconds of each call, after three that are not counted."""
    for item in items[:3]:
        work(item)
    found = []
    for item in items:
        start = time.perf_counter()
        work(item)
        found.append((time.perf_counter() - start) * 1000)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def folder_mib(folder: Path) -> float:
    """Size of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
