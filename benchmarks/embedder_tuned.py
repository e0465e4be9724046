"""nDCG@10 of the search with MiniLM and with a tuned embedder in its place, on the test questions of every shared
search set: by vectors alone, and by the whole search.

    python benchmarks/embedder_tuned.py ADAPTER [--sets covidqa_en ...] [--queries N] [--write]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg, need_sets, text_of

from finetune.gains import RowScores, compare
from rag import Document, RagConfig, build_index
from rag.generation import load_view
from rag.manifest import read_manifest

TITLE = "Tuned embedder: retrieval before and after"
DOMAINS = {
    "covidqa_en": "medical", "medquad_en": "medical", "pubmedqa_en": "medical", "squad_en": "general",
    "cmrc_zh": "not learned", "finance_zh": "not learned", "medical_zh": "not learned", "xquad_zh_en": "not learned",
}  # fmt: skip
DEPTH = 40  # chunks of a leg, as RagConfig.candidates
LEGS = ("dense", "search")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """nDCG@10 of each question by leg, and seconds to build the index."""

    legs: Mapping[str, Sequence[float]]
    seconds: float


def score(name: str, embedder: str, folder: Path, queries: int) -> Scored:
    """A set with every passage as a document, as `advisor index` takes it; a passage's place is that of its first
    chunk."""
    corpus = lines_of(SETS / name / "corpus.jsonl.gz")
    documents = [Document(text=text_of(row), source=row["_id"]) for row in corpus]
    started = time.perf_counter()
    index = build_index(documents, folder, RagConfig(embedder=embedder))
    seconds = time.perf_counter() - started
    manifest = read_manifest(folder)
    assert manifest is not None
    view, gold = load_view(folder, manifest), gold_of(SETS / name)
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold][:queries]
    legs: dict[str, list[float]] = {leg: [] for leg in LEGS}
    for row, vector in zip(asked, index.embedder.embed([row["text"] for row in asked]), strict=True):
        near = [
            view.chunks.documents[view.chunks.document_of[at]].source
            for at, _ in view.store.search(vector, DEPTH)
        ]
        found = [hit.chunk.source for hit in index.search(row["text"], k=DEPTH)]
        for leg, order in (("dense", near), ("search", found)):
            legs[leg].append(ndcg(list(dict.fromkeys(order)), gold[row["_id"]]))
    return Scored(legs=legs, seconds=seconds)


def line(name: str, before: Scored, after: Scored) -> str:
    cells = [name, DOMAINS[name], str(len(before.legs["dense"]))]
    for leg in LEGS:
        gain = compare(
            RowScores(means={leg: list(before.legs[leg])}), RowScores(means={leg: list(after.legs[leg])})
        )[leg]
        interval = f" ({gain['low']:+.3f} to {gain['high']:+.3f})" if "low" in gain else ""
        cells += [f"{gain['before']:.3f}", f"{gain['after']:.3f}", f"{gain['difference']:+.3f}{interval}"]
    return f"| {' | '.join(cells)} |"


def table(found: Mapping[str, tuple[Scored, Scored]]) -> list[str]:
    head = "| set | domain | questions | dense | tuned | difference | search | with tuned | difference |"
    lines = [head, "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    lines += [line(name, *both) for name, both in found.items()]
    for leg in LEGS:
        means = [np.mean([np.mean(both[at].legs[leg]) for both in found.values()]) for at in (0, 1)]
        lines += ["", f"Mean of {leg} over the sets: {means[0]:.4f} before, {means[1]:.4f} after."]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "adapter", help="the folder of an embedder that `advisor train --objective embed` left"
    )
    parser.add_argument("--sets", nargs="+", default=list(DOMAINS), choices=list(DOMAINS))
    parser.add_argument("--queries", type=int, default=10_000, help="test questions of each set at most")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    need_sets()
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name in chosen.sets:
            both = [
                score(name, embedder, Path(place) / f"{name}-{at}", chosen.queries)
                for at, embedder in enumerate(("minilm", f"minilm+{chosen.adapter}"))
            ]
            found[name] = (both[0], both[1])
            print(line(name, *both), flush=True)
    text = "\n".join(
        [
            f"## {TITLE}",
            "",
            "nDCG@10 of test questions; `dense` by vectors alone, `search` is `Index.search`. 95 % intervals of the "
            "difference by paired bootstrap over the questions. Learned were the training questions of the first four "
            "sets (`benchmarks/embed_rows.py`); the others show what was forgotten.",
            "",
            *table(found),
            "",
            machine(),
        ]
    )
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
