"""Reading alone: each question of squad_en's dev split beside its own paragraph, by SQuAD 2.0's scores, int8 and fp32.

The readers learned from other articles. `threshold` is the one that each card brings from its own held-out rows,
`best` the one that would do best on these questions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from refusal_sets import rows_of
from results import RESULTS, machine, tell

from finetune.span_scores import Said, best_threshold, judged, summary
from rag.span_reader import SpanReader, open_span_reader
from rag.tuned import shipped

TITLE = "Reading: a question beside its paragraph"
HEAD = "| reader | arithmetic | questions | EM | F1 | F1 at best | EM answerable | F1 answerable | ms |"


def said_by(reader: SpanReader, row: dict[str, Any]) -> Said:
    best = reader.spans(row["question"], [row["context"]])[0].best()
    gold = [answer["text"] for answer in row["answers"]]
    if best is None:
        return judged("", float("-inf"), gold)
    return judged(row["context"][best.start : best.end], best.score, gold)


def line(folder: Path, rows: Sequence[dict[str, Any]], *, int8: bool) -> str:
    reader = open_span_reader(folder, int8=int8)
    said_by(reader, rows[0])  # loads the weights
    start = time.perf_counter()
    said = [said_by(reader, row) for row in rows]
    ms = 1000 * (time.perf_counter() - start) / len(rows)
    at_card = summary(said, 0.0)  # a score counts from the card's threshold on
    best = summary(said, best_threshold(said))["f1_at_threshold"]
    scores = (at_card["em"], at_card["f1"], best, at_card["answerable_em"], at_card["answerable_f1"])
    cells = " | ".join(f"{100 * score:.1f}" for score in scores)
    return f"| {folder.name} | {'int8' if int8 else 'fp32'} | {len(rows)} | {cells} | {ms:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "readers", nargs="*", type=Path, help="adapter folders; the shipped one when left out"
    )
    parser.add_argument("--count", type=int, help="the first so many questions; all when left out")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    own = shipped("reader")
    folders = chosen.readers or ([own] if own else [])
    rows = rows_of("squad_en/dev")[: chosen.count]
    lines = [line(folder, rows, int8=int8) for folder in folders for int8 in (True, False)]
    paragraph = (__doc__ or "").replace("\n\n", "\n").strip()
    text = "\n".join(
        [f"## {TITLE}", "", paragraph, "", HEAD, "|---|---|" + "---:|" * 7, *lines, "", machine()]
    )
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
