"""Measures extractive answers on the example sets: citations, refusals, time. The curve is that of refusal.py."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from results import RESULTS, machine, tell

from apps.assistant import Assistant
from apps.generators import Extractive
from apps.trial import Outcome, load_questions, run_questions, score
from rag import build_index
from rag.refusal import read_judges

ROOT = Path(__file__).parents[1]
TITLE = "Answers: citations and refusals"


BEFORE = (
    "| finance all, before | 90 | 32 | 0.889 | 0.756 | 0.089 | 0.812 | 0.19 |",
    "| medical all, before | 122 | 37 | 0.525 | 0.418 | 0.459 | 0.757 | 0.19 |",
)


def example_rows(name: str, folder: Path) -> list[str]:
    """Table rows for one example set, by language and together."""
    index = build_index(ROOT / "examples" / name / "docs", folder / name)
    questions = load_questions(ROOT / "examples" / name / "qa.jsonl")
    start = time.perf_counter()
    outcomes = run_questions(Assistant(Extractive(), index), questions)
    seconds = (time.perf_counter() - start) / len(questions)
    rows = []
    for language in ("en", "zh", "all"):
        chosen = [o for o in outcomes if language in ("all", o.question.language)]
        rows.append(f"| {name} {language} | {_score_cells(chosen)} | {seconds:.2f} |")
    return rows


def _score_cells(outcomes: Sequence[Outcome]) -> str:
    found = score(outcomes)
    shares = (found.gold_cited, found.quote_cited, found.wrongly_refused, found.rightly_refused)
    return " | ".join([str(found.answerable), str(found.unanswerable), *(f"{share:.3f}" for share in shares)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = [row for name in ("finance", "medical") for row in example_rows(name, folder)]
    lines = [
        f"## {TITLE}",
        "",
        "Extractive generator, MiniLM, k = 6. A refused answerable question counts as a miss under both citations.",
        "Before: as printed on 2026-11-22, with fixed weights and a threshold of .58 or .54 for the best sentence.",
        "Thresholds in force: "
        + ", ".join(f"{name} {judge.threshold:.3f}" for name, judge in read_judges().items())
        + "; fitted on other sets (benchmarks/refusal.py).",
        "",
        "| set | answerable | unanswerable | gold cited | quote cited | wrongly refused | rightly refused | s each |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *BEFORE,
        *rows,
    ]
    text = "\n".join([*lines, "", machine()]) + "\n"
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
