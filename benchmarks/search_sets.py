"""The shared search sets in BEIR's layout: passages, test queries, their gold passages, and nDCG@10."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

SETS = Path(__file__).parents[2] / "shared" / "data" / "retrieval"


def lines_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def need_sets() -> None:
    if not SETS.is_dir():
        raise SystemExit(f"{SETS} is not there; this benchmark needs the shared search sets.")


def text_of(row: Mapping[str, str]) -> str:
    """A passage under its title."""
    return f"{row.get('title', '')}\n{row['text']}".strip()


def gold_of(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, passage, relevance = line.split("\t")
        if int(relevance) > 0:
            found[query].add(passage)
    return found


def ndcg(order: Sequence[str], gold: set[str]) -> float:
    """Binary nDCG@10."""
    gain = sum(1 / math.log2(rank + 2) for rank, name in enumerate(order[:10]) if name in gold)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(gold))))
