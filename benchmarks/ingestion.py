"""Reads the mixed_docs collection through the worker processes: what each kind of file gave, time and peak memory."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from peak_memory import PeakMemory
from results import RESULTS, machine, tell

from rag.candidates import find_candidates
from rag.loaders.ocr import has_ocr
from rag.loaders.pool import read_candidates
from rag.schema import Document

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("ADVISOR_SHARED_DATA", ROOT.parent / "shared" / "data"))
MIXED = SHARED / "mixed_docs"
TITLE = "Documents in: a folder of real files, good and bad"
LIMIT_GIB = 2.0


class Outcome(NamedTuple):
    """One file: its format and kind, whether it was read, expected strings found and missing, a wrong failure."""

    name: str
    kind: str
    read: bool
    found: int
    missing: int
    named: bool


def outcome(row: dict[str, Any], result: Document | Exception | None) -> Outcome:
    expected = row["expect_text"] + (row["expect_ocr_text"] if has_ocr() else [])
    text = bare(result.text) if isinstance(result, Document) else ""
    found = sum(bare(words) in text for words in expected)
    name = row["file"].rpartition("/")[2]
    told = isinstance(result, Document) or result is None or str(result).startswith(name)
    return Outcome(name, row["kind"], isinstance(result, Document), found, len(expected) - found, told)


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def measure() -> tuple[list[Outcome], float, float]:
    """Outcomes, seconds, and GiB at the peak."""
    rows = [json.loads(line) for line in (MIXED / "manifest.jsonl").read_text("utf-8").splitlines()]
    start = time.perf_counter()
    with PeakMemory() as peak:
        candidates, _ = find_candidates(MIXED / "files")
        results = {candidate.source: found for candidate, found in read_candidates(candidates)}
    seconds = time.perf_counter() - start
    return (
        [outcome(row, results.get(row["file"].rpartition("/")[2])) for row in rows],
        seconds,
        peak.size_bytes / (1 << 30),
    )


def table(outcomes: Sequence[Outcome]) -> list[str]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        groups[one.kind].append(one)
    lines = [
        "| kind | files | read | refused, named | strings found | missing |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, found in [*sorted(groups.items()), ("all", list(outcomes))]:
        read = sum(one.read for one in found)
        named = sum(not one.read and one.named for one in found)
        strings, missing = sum(one.found for one in found), sum(one.missing for one in found)
        lines.append(f"| {kind} | {len(found)} | {read} | {named} | {strings} | {missing} |")
    return lines


def section(outcomes: Sequence[Outcome], seconds: float, peak_gib: float) -> str:
    wrong = [one.name for one in outcomes if one.missing or not one.named]
    lines = [
        f"## {TITLE}",
        "",
        "The files of mixed_docs through two worker processes, as `advisor index` reads them, without embedding.",
        "Strings are those of the manifest, spacing ignored; those of scans count where the extra [ocr] is installed "
        f"(here: {'yes' if has_ocr() else 'no'}). Files of a format that is not read are skipped and named.",
        "",
        *table(outcomes),
        "",
        f"{seconds:.1f} s; at most {peak_gib:.2f} GiB at one moment in all processes together (limit {LIMIT_GIB:.0f}).",
        f"Strings missing or a failure without a name: {', '.join(wrong) if wrong else 'none'}.",
        "",
        machine(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    if not MIXED.is_dir():
        sys.exit(f"{MIXED} is not there; name the folder of the collections in ADVISOR_SHARED_DATA.")
    text = section(*measure())
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
