"""nDCG@10 of the search with and without a reranker, side by side on the test questions of the shared search sets, and
what a question costs; says whether the reranker may be the default."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
from embed_rows import whole_index
from recipes import folder_of
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg, need_sets

from rag import Index, RagConfig
from rag.rerank import load_reranker

TITLE = "A reranker beside the fusion"
ENGLISH = ("covidqa_en", "medquad_en", "pubmedqa_en", "squad_en")
OTHERS = ("cmrc_zh", "finance_zh", "medical_zh", "xquad_zh_en")
LEAST_GAIN = 0.02  # mean over the English sets, and never below the fusion: else it stays an option
DEPTHS = (20, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Mean over a set's questions, without a reranker and by candidates that it reads."""

    questions: int
    plain: float
    reranked: dict[int, float]
    plain_ms: float
    reranked_ms: dict[int, float]


def measure(name: str, reranker: str, most: int) -> Measured:
    index = whole_index(SETS / name)
    gold = gold_of(SETS / name)
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold][:most]
    queries = [(row["text"], gold[row["_id"]]) for row in asked]
    plain, plain_ms = _scored(index, queries, RagConfig())
    found = {d: _scored(index, queries, RagConfig(rerank=reranker, candidates=d)) for d in DEPTHS}
    return Measured(
        questions=len(queries),
        plain=plain,
        reranked={depth: score for depth, (score, _) in found.items()},
        plain_ms=plain_ms,
        reranked_ms={depth: spent for depth, (_, spent) in found.items()},
    )


def _scored(index: Index, queries: list[tuple[str, set[str]]], config: RagConfig) -> tuple[float, float]:
    """nDCG@10 and milliseconds of a search, as whoever asks waits for it."""
    index.config = replace(index.config, rerank=config.rerank, candidates=config.candidates)
    index.search(queries[0][0], k=10)  # weights are read at the first question
    begun, found = time.perf_counter(), []
    for text, gold in queries:
        hits = index.search(text, k=config.candidates)
        found.append(ndcg(list(dict.fromkeys(hit.chunk.source for hit in hits)), gold))
    return float(np.mean(found)), (time.perf_counter() - begun) * 1000 / len(queries)


def table(results: dict[str, Measured]) -> list[str]:
    depths = [f"first {depth} | gain | ms" for depth in DEPTHS]
    lines = [
        f"| set | questions | search | ms | {' | '.join(depths)} |",
        "|---|" + "---:|" * (3 + 3 * len(DEPTHS)),
    ]
    for name, one in results.items():
        cells = [
            f"{one.reranked[d]:.3f} | {one.reranked[d] - one.plain:+.3f} | {one.reranked_ms[d]:.0f}"
            for d in DEPTHS
        ]
        lines.append(
            f"| {name} | {one.questions} | {one.plain:.3f} | {one.plain_ms:.0f} | {' | '.join(cells)} |"
        )
    return lines


def verdict(results: dict[str, Measured], depth: int) -> str:
    gains = {name: one.reranked[depth] - one.plain for name, one in results.items()}
    mean = float(np.mean([gains[name] for name in ENGLISH if name in gains] or [0.0]))
    worst = min(gains, key=lambda name: gains[name])
    good = mean >= LEAST_GAIN and gains[worst] >= 0 and set(gains) == {*ENGLISH, *OTHERS}
    return (
        f"First {depth}: mean gain over the English sets {mean:+.3f} (asked: {LEAST_GAIN:+}), worst set {worst} "
        f"{gains[worst]:+.3f} (asked: none below 0): {'good enough for the default' if good else 'stays an option'}."
    )


def report(results: dict[str, Measured], reranker: str) -> list[str]:
    weight = getattr(load_reranker(reranker), "weight", 1.0)
    return [
        f"## {TITLE}",
        "",
        f"nDCG@10 of the whole search, test questions. The reranker counts {weight} beside the fused ranking whose",
        "first passages it reads; a question that it cannot read keeps the fused ranking.",
        "",
        *table(results),
        "",
        *(verdict(results, depth) for depth in DEPTHS),
        "",
        machine(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=[*ENGLISH, *OTHERS], help="sets to run (all)")
    parser.add_argument("--reranker", default=str(folder_of("reranker", 0)), help="as in RagConfig")
    parser.add_argument("--queries", type=int, default=10_000, help="test questions of each set at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    results = {}
    for name in chosen.sets:
        results[name] = measure(name, chosen.reranker, chosen.queries)
        print("\n".join(table({name: results[name]})[2:]), flush=True)
    text = "\n".join(report(results, chosen.reranker))
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
