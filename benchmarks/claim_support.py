"""How often a claim is held for supported: by its own passage, by that passage without it, and with a wrong word.

From the shared reading-comprehension sets; every row but the first two counts mistakes. A few negated sentences are no
longer wrong, as where one was negated already.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results import RESULTS, machine, tell

from rag.embed import load_embedder
from rag.meaning import similarity_by
from rag.schema import Chunk
from rag.sentences import sentence_spans
from rag.support import as_read, best_support
from rag.words import tokenize

SHARED = Path(__file__).parents[2] / "shared" / "data"
SETS = {"en": "squad_en", "zh": "cmrc_zh"}
TITLE = "Citations: claims held for supported"
KINDS = ("verbatim", "answered question", "passage without it", "wrong number", "negated")
_ASKED = {
    "en": r"^(?:what|who|when|where|which|how many|how much|how|why)\b",
    "zh": "什么时候|什么|哪[个里年些一]?|谁|多少|几|何时|为何|如何",
}
_NEGATE = {"en": (r"\b(is|was|are|were|has|have|can)\b", r"\1 not"), "zh": ("(是|有|为)", r"没\1")}


def rows_of(name: str, count: int, chance: random.Random) -> list[dict[str, Any]]:
    """One question for each of `count` passages."""
    with gzip.open(SHARED / name / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        passages = {row["context"]: row for row in map(json.loads, file)}
    rows = list(passages.values())
    chance.shuffle(rows)
    return rows[:count]


def cases(row: dict[str, Any], language: str, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Kind, claim and passage."""
    passage = as_read(row["context"])
    spans = sentence_spans(passage)
    start, end = chance.choice(spans)
    claim = passage[start:end]
    if len(spans) < 3 or len(claim) < 20:
        return
    yield "verbatim", claim, passage
    yield "passage without it", claim, passage[:start] + passage[end:]
    if digit := re.search(r"[1-8]", claim):
        changed = str(int(digit.group()) + 1)
        yield "wrong number", claim[: digit.start()] + changed + claim[digit.end() :], passage
    if (negated := re.sub(*_NEGATE[language], claim, count=1)) != claim:
        yield "negated", negated, passage
    if answer := _answer(row):
        asked = re.sub(_ASKED[language], lambda match: answer, row["question"], count=1, flags=re.IGNORECASE)
        yield "answered question", as_read(asked.rstrip("?？")), passage


def _answer(row: dict[str, Any]) -> str:
    found: Any = row.get("answers") or row.get("answer") or ""
    found = found[0] if isinstance(found, list) else found
    return str(found.get("text", "") if isinstance(found, dict) else found)


def table(count: int) -> list[str]:
    """Shares held for supported, by words alone and with MiniLM's meaning."""
    similarity = similarity_by(load_embedder("minilm"))
    held: defaultdict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for language, name in SETS.items():
        chance = random.Random(0)
        for row in rows_of(name, count, chance):
            for kind, claim, passage in cases(row, language, chance):
                chunk = Chunk(source="a", text=passage, start=0, end=len(passage))
                found = [best_support(claim, chunk, tokenize, by) is not None for by in (None, similarity)]
                held[language, kind].append((found[0], found[1]))
    lines = [
        "| claim | should be | en, words | en, meaning too | zh, words | claims |",
        "|---|---|---|---|---|---|",
    ]
    for place, kind in enumerate(KINDS):
        english, chinese = held["en", kind], held["zh", kind]
        shares = [
            sum(one[by] for one in side) / len(side)
            for side, by in ((english, 0), (english, 1), (chinese, 0))
        ]
        cells = " | ".join(f"{share:.1%}" for share in shares)
        lines.append(
            f"| {kind} | {'yes' if place < 2 else 'no'} | {cells} | {len(english)} + {len(chinese)} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--write", action="store_true", help=f"also write the table into {RESULTS.name}")
    args = parser.parse_args()
    text = "\n".join([machine(), "", *table(args.passages)])
    tell(TITLE, text, args.write)


if __name__ == "__main__":
    main()
