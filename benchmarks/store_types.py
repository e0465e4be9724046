"""Which kind of FAISS index for how many vectors: build, search, recall and bytes of flat, HNSW and IVF-PQ.

Run: python benchmarks/store_types.py [--sizes 10000 100000] [--write]
Vectors are synthetic: subjects within themes, each vector a mixture of both and of noise, 384 numbers of unit length.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from results import RESULTS, machine, replace_section

from rag.stores import Vectors
from rag.stores.faiss import FaissStore, make_cells, make_graph

TITLE = "Vector store by size"
DIMENSION, QUERIES, K = 384, 200, 10
MAKERS: dict[str, Callable[[Vectors], Any]] = {
    "flat": lambda vectors: None,
    "HNSW": make_graph,
    "IVF-PQ": make_cells,
}


def synthetic(count: int, seed: int = 0) -> tuple[Vectors, Vectors]:
    """Vectors and queries; a query is near some vector, at a cosine of about .6, as a question to its passage."""
    draw = np.random.default_rng(seed)
    themes = draw.standard_normal((200, DIMENSION), dtype=np.float32)
    subjects = themes[draw.integers(0, 200, max(count // 20, 20))] + 1.2 * draw.standard_normal(
        (max(count // 20, 20), DIMENSION), dtype=np.float32
    )
    vectors = subjects[draw.integers(0, len(subjects), count)]
    vectors += 1.6 * draw.standard_normal((count, DIMENSION), dtype=np.float32)
    queries = _unit(vectors[draw.integers(0, count, QUERIES)])
    queries = queries + 1.3 * _unit(draw.standard_normal((QUERIES, DIMENSION), dtype=np.float32))
    return _unit(vectors), _unit(queries)


def _unit(vectors: Vectors) -> Vectors:
    found: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def measure(name: str, vectors: Vectors, queries: Vectors, truth: list[set[int]]) -> str:
    """A row of the table."""
    began = time.perf_counter()
    index = MAKERS[name](vectors)
    built = time.perf_counter() - began
    size = 0 if index is None else len(faiss.serialize_index(index))
    store, took, found = FaissStore(vectors, index), [], 0
    for query, best in zip(queries, truth, strict=True):
        began = time.perf_counter()
        hits = store.search(query, K)
        took.append((time.perf_counter() - began) * 1000)
        found += len(best & {position for position, _ in hits})
    half, most = np.percentile(took, [50, 95])
    allowed = np.arange(0, len(vectors), 2)
    few = FaissStore(vectors)
    kept = sum(
        len({p for p, _ in store.search(q, K, allowed)} & {p for p, _ in few.search(q, K, allowed)})
        for q in queries[:50]
    )
    return (
        f"| {len(vectors):,} | {name} | {built:.1f} | {half:.2f} | {most:.2f} | {found / K / len(queries):.3f} "
        f"| {kept / K / 50:.3f} | {size / 1e6:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--kinds", nargs="+", default=list(MAKERS), choices=list(MAKERS))
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    args = parser.parse_args()
    lines = [
        f"## {TITLE}",
        "",
        "`python benchmarks/store_types.py --write`. " + machine(),
        f"Synthetic unit vectors of {DIMENSION} numbers; recall@{K} against comparing all, the second with a filter "
        "that allows every other vector. Bytes beside the stored vectors.",
        "",
        f"| vectors | kind | build s | p50 ms | p95 ms | recall@{K} | filtered | MB beside |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines[-2:]))
    for size in args.sizes:
        vectors, queries = synthetic(size)
        _, best = faiss.knn(queries, vectors, K, metric=faiss.METRIC_INNER_PRODUCT)
        truth = [set(row.tolist()) for row in best]
        for name in args.kinds:
            lines.append(measure(name, vectors, queries, truth))
            print(lines[-1], flush=True)
    if args.write:
        replace_section(RESULTS, TITLE, "\n".join(lines))


if __name__ == "__main__":
    main()
