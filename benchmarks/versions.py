"""What newer versions first bring and cost: ranks of the gold document on the examples, without and with it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from rag import Index, build_index

EXAMPLES = Path(__file__).parents[1] / "examples"
CUTS = (1, 3, 6)


def main() -> None:
    for name in ("finance", "medical"):
        rows = [json.loads(line) for line in (EXAMPLES / name / "qa.jsonl").read_text("utf-8").splitlines()]
        answerable = [row for row in rows if row["answerable"]]
        with tempfile.TemporaryDirectory() as folder:
            index = build_index(EXAMPLES / name / "docs", Path(folder) / "index")
            without, with_it = (
                [gold_rank(index, row, recency=recency) for row in answerable] for recency in (False, True)
            )
        worse = [row["id"] for row, a, b in zip(answerable, without, with_it, strict=True) if b > a]
        better = sum(b < a for a, b in zip(without, with_it, strict=True))
        print(f"{name}: {len(answerable)} questions, {better} better, {len(worse)} worse {worse or ''}")
        for cut in CUTS:
            before, after = (sum(rank <= cut for rank in ranks) / len(ranks) for ranks in (without, with_it))
            print(f"  gold among the first {cut}: {before:.3f} without, {after:.3f} with")


def gold_rank(index: Index, row: dict[str, str], *, recency: bool) -> int:
    """The rank of the first hit of the gold document, 99 when there is none."""
    index.config = replace(index.config, recency=recency)
    return next(
        (hit.rank for hit in index.search(row["question"], k=6) if hit.chunk.source == row["source"]), 99
    )


if __name__ == "__main__":
    main()
