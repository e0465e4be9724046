"""Scores the whole pipeline on folders in the BEIR layout, plain or gzipped: nDCG@10, recall@10 and recall@100."""

from __future__ import annotations

import argparse
import gzip
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag import RagConfig, build_index
from rag.embed import Embedder
from rag.mteb_adapter import document_of, question_of, search_documents

Row = dict[str, str]
Judged = dict[str, dict[str, int]]  # query -> document -> relevance


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Means over the queries that have a relevant document."""

    name: str
    documents: int
    queries: int
    ndcg10: float
    recall10: float
    recall100: float
    build_seconds: float
    search_ms: float  # of one query, its embedding included

    def line(self) -> str:
        return (
            f"| {self.name} | {self.documents} | {self.queries} | {self.ndcg10:.3f} | {self.recall10:.3f} "
            f"| {self.recall100:.3f} | {self.build_seconds:.1f} | {self.search_ms:.1f} |"
        )


HEAD = (
    "| set | documents | queries | nDCG@10 | recall@10 | recall@100 | build s | search ms |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|"
)


def score_beir(
    folder: Path,
    *,
    split: str = "test",
    queries: int | None = None,
    config: RagConfig | None = None,
    embedder: Embedder | None = None,
) -> Score:
    """Index the corpus into a temporary folder and ask the judged queries of `split`, or the first `queries`."""
    judged = read_judged(folder / "qrels" / f"{split}.tsv")
    asked = [row for row in read_rows(folder, "queries") if row["_id"] in judged][:queries]
    documents = [document_of(row) for row in read_rows(folder, "corpus")]
    if not asked:
        raise ValueError(
            f"{folder / 'qrels'} judges none of the queries of {folder}; choose another split than {split!r}."
        )
    with tempfile.TemporaryDirectory() as target:
        start = time.perf_counter()
        index = build_index(documents, Path(target) / "index", config, embedder=embedder)
        built = time.perf_counter()
        found = {row["_id"]: list(search_documents(index, question_of(row), 100)) for row in asked}
        searched = time.perf_counter()
    gold = {row["_id"]: judged[row["_id"]] for row in asked}
    return Score(
        name=folder.name,
        documents=len(documents),
        queries=len(asked),
        ndcg10=mean([ndcg(found[key], gold[key], 10) for key in gold]),
        recall10=mean([recall(found[key], gold[key], 10) for key in gold]),
        recall100=mean([recall(found[key], gold[key], 100) for key in gold]),
        build_seconds=built - start,
        search_ms=(searched - built) * 1000 / len(asked),
    )


def read_rows(folder: Path, name: str) -> Iterator[Row]:
    """Rows of corpus.jsonl or queries.jsonl, or of the same with .gz."""
    for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"):
        if path.is_file():
            with (
                gzip.open(path, "rt", encoding="utf-8")
                if path.suffix == ".gz"
                else path.open(encoding="utf-8") as lines
            ):
                yield from (json.loads(line) for line in lines if line.strip())
            return
    raise FileNotFoundError(f"{folder} holds no {name}.jsonl(.gz); name a folder in the BEIR layout.")


def read_judged(path: Path) -> Judged:
    """Relevant documents of each query, of those that have any."""
    found: Judged = defaultdict(dict)
    for line in path.read_text("utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        if int(relevance) > 0:
            found[query][document] = int(relevance)
    return dict(found)


def ndcg(order: Sequence[str], gold: Mapping[str, int], depth: int) -> float:
    """As trec_eval counts it: the gain is the relevance itself, the discount log2(rank + 1)."""

    def gain(relevances: Sequence[int]) -> float:
        return sum(value / math.log2(rank + 1) for rank, value in enumerate(relevances[:depth], start=1))

    return gain([gold.get(name, 0) for name in order]) / gain(sorted(gold.values(), reverse=True))


def recall(order: Sequence[str], gold: Mapping[str, int], depth: int) -> float:
    """Share of the relevant documents among the first `depth`."""
    return len(set(order[:depth]) & set(gold)) / len(gold)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", type=Path, nargs="+", help="with corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv"
    )
    parser.add_argument("--split", default="test")
    parser.add_argument("--queries", type=int, help="ask only the first so many")
    parser.add_argument("--embedder", default="minilm", help="as in RagConfig")
    parser.add_argument("--json", action="store_true", help="a JSON line for each folder instead of a table")
    chosen = parser.parse_args()
    if not chosen.json:
        print(HEAD)
    for folder in chosen.folders:
        config = RagConfig(embedder=chosen.embedder)
        score = score_beir(folder, split=chosen.split, queries=chosen.queries, config=config)
        row = {name: getattr(score, name) for name in Score.__slots__}
        print(json.dumps(row) if chosen.json else score.line(), flush=True)


if __name__ == "__main__":
    main()
