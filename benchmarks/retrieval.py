"""nDCG@10 of the whole search, of its two legs and of plain rank fusion on the shared search sets, test queries.

Each passage is a document of an index made as `advisor index` makes it; its rank is that of its first chunk.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg, need_sets, text_of

from rag import Document, Index, build_index
from rag.fusion import DENSE_WEIGHT, PAIRS_WEIGHT, combine, fuse_ranks, ranked
from rag.generation import load_view
from rag.manifest import read_manifest
from rag.recording import Recorder
from rag.search import Candidates, find_passages

# The better leg (all-MiniLM-L6-v2, Lucene's BM25) over whole passages, as measured before this search was made.
BASELINE = {
    "medquad_en": 0.854, "covidqa_en": 0.634, "pubmedqa_en": 0.989, "squad_en": 0.884,
    "cmrc_zh": 0.988, "finance_zh": 0.652, "medical_zh": 0.307, "xquad_zh_en": 0.114,
}  # fmt: skip
TITLE = "Retrieval: the legs and their fusion"
DEPTH = 40  # chunks of each leg, as RagConfig.candidates
NEVER_WORSE, MEAN_GAIN = 0.003, 0.015
VARIANTS = [(weight, PAIRS_WEIGHT) for weight in (0.3, 0.4, 0.6, 0.7)] + [
    (DENSE_WEIGHT, pairs) for pairs in (0.0, 0.2, 0.6)
]
COLUMNS = ("BM25", "dense", "rank fusion", "search", *(f"{w:.1f}/{p:.1f}" for w, p in VARIANTS))


class Run:
    """One set: an index of its passages, and what each column gives for a query."""

    def __init__(self, name: str, folder: Path) -> None:
        self.corpus = lines_of(SETS / name / "corpus.jsonl.gz")
        documents = [Document(text=text_of(row), source=row["_id"]) for row in self.corpus]
        self.index: Index = build_index(documents, folder / name)
        manifest = read_manifest(folder / name)
        assert manifest is not None
        self.view = load_view(folder / name, manifest)

    def orders(self, query: str) -> dict[str, list[str]]:
        """Passages, best first, by column."""
        dense = self.view.store.search(self.index.embedder.embed([query])[0], DEPTH)
        keyword = self.view.keyword.top(query, DEPTH)
        fused = fuse_ranks([[place for place, _ in dense], [place for place, _ in keyword]], [1, 1])
        record = Recorder(self.view.chunks, query, None, None)
        found = find_passages(self.view, self.index.embedder, query, DEPTH, None, record)
        hits = self.index.search(query, k=DEPTH)
        return {
            "BM25": self._passages(place for place, _ in keyword),
            "dense": self._passages(place for place, _ in dense),
            "rank fusion": self._passages(place for place, _ in ranked(fused)),
            "search": list(dict.fromkeys(hit.chunk.source for hit in hits)),
            **{f"{w:.1f}/{p:.1f}": self._passages(_variant(found, w, p)) for w, p in VARIANTS},
        }

    def _passages(self, places: Iterable[int]) -> list[str]:
        chunks = self.view.chunks
        return list(dict.fromkeys(chunks.documents[chunks.document_of[place]].source for place in places))


def _variant(found: Candidates, weight: float, pairs: float) -> list[int]:
    # Where one leg is not trusted, or found nothing, that stays so.
    share = weight if found.trust.dense == DENSE_WEIGHT else found.trust.dense
    scores = ([score for _, score in found.dense_found], [score for _, score in found.keyword_found])
    fused = combine(found.dense, found.keyword, found.pairs, scores, share, pairs)
    return [place for place, _ in ranked(fused)]


def measure(name: str, folder: Path, queries: int) -> tuple[int, dict[str, float]]:
    """How many queries, and the mean of each column."""
    run, gold = Run(name, folder), gold_of(SETS / name)
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold][:queries]
    found: dict[str, list[float]] = defaultdict(list)
    for row in asked:
        for column, order in run.orders(row["text"]).items():
            found[column].append(ndcg(order, gold[row["_id"]]))
    return len(asked), {column: float(np.mean(values)) for column, values in found.items()}


def table(results: dict[str, tuple[int, dict[str, float]]]) -> list[str]:
    lines = [
        f"| set | queries | {' | '.join(COLUMNS)} | less the better leg | less the earlier better leg |",
        "|---|---:|" + "---:|" * (len(COLUMNS) + 2),
    ]
    for name, (count, found) in results.items():
        over = found["search"] - max(found["BM25"], found["dense"])
        cells = [f"{found[column]:.3f}" for column in COLUMNS]
        lines.append(
            f"| {name} | {count} | {' | '.join(cells)} | {over:+.3f} | {found['search'] - BASELINE[name]:+.3f} |"
        )
    return lines


def verdict(results: dict[str, tuple[int, dict[str, float]]]) -> list[str]:
    own = {name: max(found["BM25"], found["dense"]) for name, (_, found) in results.items()}
    got = {name: found["search"] for name, (_, found) in results.items()}
    lines = []
    for legs, better in (("its own better legs", own), ("the earlier better legs", BASELINE)):
        least = min(got[name] - better[name] for name in got)
        mean = float(np.mean([got[name] - better[name] for name in got]))
        met = least >= -NEVER_WORSE and mean >= MEAN_GAIN
        lines.append(
            f"Against {legs}: mean {np.mean(list(got.values())):.4f}, {mean:+.4f} (target {MEAN_GAIN:+}), worst set "
            f"{least:+.3f} (target {-NEVER_WORSE:+}): {'met' if met else 'not met'}."
        )
    return lines


def report(results: dict[str, tuple[int, dict[str, float]]]) -> Sequence[str]:
    return [
        f"## {TITLE}",
        "",
        f"nDCG@10. `search` is `Index.search` with its defaults: dense {DENSE_WEIGHT}, BM25 {1 - DENSE_WEIGHT}, words "
        f"side by side {PAIRS_WEIGHT}.",
        "The columns w/p are the same fusion with other weights of the dense leg and of the pairs, without what",
        "follows it. One weight was chosen for all sets, looking at training and test queries; nothing was trained.",
        "",
        *table(results),
        "",
        *verdict(results),
        "",
        machine(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(BASELINE), help="sets to run (all)")
    parser.add_argument("--queries", type=int, default=10_000, help="test queries of each set at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    results = {}
    with tempfile.TemporaryDirectory() as place:
        for name in chosen.sets:
            results[name] = measure(name, Path(place), chosen.queries)
            print(name, {column: round(value, 3) for column, value in results[name][1].items()}, flush=True)
    text = "\n".join(report(results))
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
