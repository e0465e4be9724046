"""`advisor calibrate QUESTIONS --index INDEX`: when to refuse, found from questions whose sources are known."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.calibration import Calibrated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        'A row is {"question": ..., "source": ...}, or {"question": ..., "answerable": false}. Each question is '
        "asked with its source and as if the source were not in the index."
    )
    parser.add_argument("questions", help="a JSONL file of questions with their sources")
    parser.add_argument("--index", help="the folder of the index")
    parser.add_argument(
        "--wrongly", type=float, help="share of the answerable questions refused at most (default 0.1)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would hold, keep nothing")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from apps.opening import open_named_index
    from apps.progress import progress_bar
    from apps.settings import load_settings
    from apps.trial import load_questions
    from rag.calibration import WRONGLY, Labelled, calibrate, write_calibration

    asked = load_questions(args.questions)
    index = open_named_index(load_settings(vars(args)))
    labelled = [Labelled(question=one.text, sources=one.sources) for one in asked]
    with progress_bar() as progress:
        wrongly = WRONGLY if args.wrongly is None else args.wrongly
        found = calibrate(index, labelled, wrongly=wrongly, progress=progress)
    kept = None if args.dry_run else write_calibration(index, found)
    if args.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        print("\n".join([*map(render, found), f"Kept in {kept}" if kept else "Nothing was kept."]))
    return 0


def render(found: Calibrated) -> str:
    """What changes, in shares of these questions."""
    by = "meaning and words" if found.judge == "aligned" else "words alone"
    return "\n".join(
        [
            f"Questions read by {by}: {found.answerable} answerable, {found.unanswerable} not",
            f"  threshold        {found.before:.3f} before, {found.threshold:.3f} now",
            f"  rightly refused  {found.rightly_refused_before:.1%} before, {found.rightly_refused:.1%} now",
            f"  wrongly refused  {found.wrongly_refused_before:.1%} before, {found.wrongly_refused:.1%} now",
        ]
    )
