"""nDCG@10 on dev questions by the weight of a reranker beside the fused ranking whose first passages it reads; the one
that is chosen stands in rag/rerank.toml."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from embed_rows import LEARNED, splits_of, whole_index
from recipes import folder_of
from rerank_rows import HELD_OUT, shuffled
from results import RESULTS, machine, tell
from search_sets import SETS, lines_of, ndcg, need_sets

from rag.catalogue import indexed_text
from rag.cross_encoder import CrossEncoder, mixed, open_cross_encoder

TITLE = "The weight of a reranker, chosen on dev"
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
DEPTH = 20


def by_weight(name: str, encoder: CrossEncoder, most: int) -> list[list[float]]:
    """nDCG@10 of each dev question that chose no weights of the reranker, by weight."""
    corpus = {row["_id"]: row for row in lines_of(SETS / name / "corpus.jsonl.gz")}
    asked = {row["_id"]: row["text"] for row in lines_of(SETS / name / "queries.jsonl.gz")}
    gold = splits_of(SETS / name, corpus)["dev"]
    index = whole_index(SETS / name)
    found = []
    for query in shuffled(gold)[HELD_OUT : HELD_OUT + most]:
        hits = index.search(asked[query], k=DEPTH)
        read = encoder.raw_scores(asked[query], [indexed_text(hit.chunk) for hit in hits])
        row = []
        for weight in WEIGHTS:
            best = np.argsort(-mixed([hit.score for hit in hits], read, weight), kind="stable")
            sources = dict.fromkeys(hits[at].chunk.source for at in best)
            row.append(ndcg(list(sources), gold[query]))
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reranker", default=str(folder_of("reranker", 0)), help="an adapter's folder")
    parser.add_argument("--questions", type=int, default=100, help="dev questions of each set at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    encoder = open_cross_encoder(Path(chosen.reranker))
    heads = " | ".join(f"{weight:g}" for weight in WEIGHTS)
    lines = [f"| set | questions | {heads} |", "|---|" + "---:|" * (1 + len(WEIGHTS))]
    means = []
    for name in LEARNED:
        rows = by_weight(name, encoder, chosen.questions)
        means.append(np.mean(rows, axis=0))
        lines.append(f"| {name} | {len(rows)} | {' | '.join(f'{value:.3f}' for value in means[-1])} |")
        print(lines[-1], flush=True)
    lines.append(f"| mean | | {' | '.join(f'{value:.3f}' for value in np.mean(means, axis=0))} |")
    how = f"nDCG@10 of the first {DEPTH} passages of the search, by the reranker's weight beside their fused scores."
    text = "\n".join([f"## {TITLE}", "", how, "", *lines, "", machine()]) + "\n"
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
