"""What a trained reader changes: the English questions of an example, asked without and with it.

    python examples/readers.py [finance | medical] --index build/finance

EM and F1 of the short answer against the gold one, or of the quoted sentences where there is none, by SQuAD 2.0.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.assistant import Answer, Assistant
from apps.generators import Extractive
from finetune.span_scores import exact, f1
from rag import open_index

EXAMPLES = Path(__file__).resolve().parent


def said(answer: Answer) -> str:
    if answer.refused:
        return ""
    return answer.short or " ".join(citation.quote for citation in answer.citations)


def scores(rows: Sequence[dict[str, Any]], answers: Sequence[Answer]) -> str:
    known = [(row, answer) for row, answer in zip(rows, answers, strict=True) if row.get("answerable", True)]
    others = [answer for row, answer in zip(rows, answers, strict=True) if not row.get("answerable", True)]
    em = sum(exact(said(answer), row["answer"]) for row, answer in known) / len(known)
    overlap = sum(f1(said(answer), row["answer"]) for row, answer in known) / len(known)
    cited = sum(any(c.source == row["source"] for c in answer.citations) for row, answer in known) / len(
        known
    )
    refused = sum(answer.refused for answer in others) / max(len(others), 1)
    return (
        f"EM {em:6.1%}   F1 {overlap:6.1%}   gold source cited {cited:6.1%}   rightly refused {refused:6.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("example", nargs="?", default="finance", choices=("finance", "medical"))
    parser.add_argument("--index", required=True, help="the index of the example's documents")
    chosen = parser.parse_args()
    lines = (EXAMPLES / chosen.example / "qa.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["language"] == "en"]
    index = open_index(chosen.index)
    print(f"{len(rows)} English questions on the {chosen.example} example")
    for domain in dict.fromkeys(("none", "general", chosen.example)):
        what = "sentences alone" if domain == "none" else f"{domain} reader"
        assistant = Assistant(Extractive(), index, domain=domain)
        answers = [assistant.ask(row["question"]) for row in rows]
        print(f"{what:>16}   {scores(rows, answers)}", flush=True)


if __name__ == "__main__":
    main()
