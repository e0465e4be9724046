"""What the tuned embedder learns from: the training questions of the English search sets with their passages, and hard
negatives that a search of the same passages gives; and the settings of its run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from measured import BUILD
from search_sets import SETS, lines_of, text_of

from apps.negatives import mine_negatives
from finetune import Example, TrainConfig
from rag import Document, Index, build_index

Corpus = Mapping[str, Mapping[str, str]]  # passages by name
Gold = dict[str, set[str]]  # passages that answer, by question

LEARNED = ("covidqa_en", "medquad_en", "pubmedqa_en", "squad_en")
NEGATIVES = 2  # mined for each question; a step takes one of them
HELD_OUT = 6  # of a set without dev questions, one title in so many is held out


def embed_training_rows(data: Path = SETS) -> tuple[list[Example], list[Example]]:
    """Rows to learn and rows that choose the weights: the sets' own dev questions, of SQuAD whole articles. Passages of
    test questions are neither learned nor mined."""
    train: list[Example] = []
    held: list[Example] = []
    for name in LEARNED:
        for row in _mined(data / name):
            (train if row.split == "train" else held).append(row)
    return train, held


def embed_config(out: str, *, seed: int = 0, **changes: Any) -> TrainConfig:
    """The run that makes the shipped embedder."""
    given = {
        "model": "minilm", "objective": "embed", "method": "lora", "lora_rank": 16, "lora_alpha": 32,
        "learning_rate": 3e-4, "epochs": 1.0, "batch_size": 64, "max_length": 128, "save_steps": 1000,
    }  # fmt: skip
    return TrainConfig(out=out, seed=seed, **{**given, **changes})


def _mined(folder: Path) -> list[Example]:
    corpus = {row["_id"]: row for row in lines_of(folder / "corpus.jsonl.gz")}
    split = splits_of(folder, corpus)
    texts = {name: text_of(row) for name, row in corpus.items()}
    asked = {row["_id"]: row["text"] for row in lines_of(folder / "queries.jsonl.gz")}
    rows = [
        Example(question=asked[query], positives=tuple(texts[name] for name in sorted(gold)), split=name_of)
        for name_of in ("train", "dev")
        for query, gold in split.get(name_of, {}).items()
    ]
    mined = mine_negatives(rows, learned_index(folder, corpus, split), each=NEGATIVES, depth=20)
    return [replace(row, line=at) for at, row in enumerate(mined.rows, start=1)]


def learned_index(folder: Path, corpus: Corpus, split: Mapping[str, Gold]) -> Index:
    """Of the passages that answer no test question; kept under build/ for the next run."""
    unseen = {passage for gold in split.get("test", {}).values() for passage in gold}
    documents = [
        Document(text=text_of(row), source=name) for name, row in corpus.items() if name not in unseen
    ]
    return build_index(documents, BUILD / "domains" / f"{folder.name}-learned")


def whole_index(folder: Path) -> Index:
    """Of all passages of a set; kept under build/ for the next run."""
    corpus = lines_of(folder / "corpus.jsonl.gz")
    documents = [Document(text=text_of(row), source=row["_id"]) for row in corpus]
    return build_index(documents, BUILD / "domains" / f"{folder.name}-passages")


def splits_of(folder: Path, corpus: Corpus) -> dict[str, Gold]:
    """Gold passages of each question, by split; of a set without a dev part, whole titles of its train part."""
    found = {file.stem: dict(_gold(file)) for file in (folder / "qrels").glob("*.tsv")}
    if "dev" in found:
        return found
    title = {query: corpus[min(gold)].get("title", "") for query, gold in found["train"].items()}
    held = set(sorted(set(title.values()))[::HELD_OUT])
    return {
        **found,
        "train": {query: gold for query, gold in found["train"].items() if title[query] not in held},
        "dev": {query: gold for query, gold in found["train"].items() if title[query] in held},
    }


def _gold(file: Path) -> Iterator[tuple[str, set[str]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in file.read_text("utf-8").splitlines()[1:]:
        query, passage, relevance = line.split("\t")
        if int(relevance) > 0:
            found[query].add(passage)
    yield from found.items()
