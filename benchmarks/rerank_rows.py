"""What a reranker learns from: the training questions of the English search sets, each with its passage and with those
that the search ranked high though they do not answer; and the settings of its run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from embed_rows import LEARNED, Gold, learned_index, splits_of
from search_sets import SETS, lines_of

from finetune import Example, TrainConfig
from rag import Hit, Index
from rag.catalogue import indexed_text

NEGATIVES = 3  # of a question: drawn from the first passages of the search, the higher the likelier
HELD_NEGATIVES = 10
DEPTH = 20
MOST = {"squad_en": 900, "pubmedqa_en": 250}  # training questions, of sets where the search is mostly right
HELD_OUT = 50  # questions of each set that choose the weights


def rerank_training_rows(data: Path = SETS) -> list[Example]:
    """Rows with the split "train" and rows with the split "dev"; no passage of a test question is among them."""
    rows = [row for name in LEARNED for row in _rows(data / name)]
    return [replace(row, line=line) for line, row in enumerate(rows, start=1)]


def rerank_config(out: str, seed: int = 0, **changes: Any) -> TrainConfig:
    given = {
        "model": "minilm", "objective": "rerank", "method": "lora", "lora_rank": 32, "lora_alpha": 64,
        "learning_rate": 3e-4, "epochs": 1.0, "batch_size": 8, "max_length": 224, "negatives": NEGATIVES,
        "save_steps": 1000, "patience": 0,
        # The questions of one article are alike, and MedQuAD asks the same of many diseases.
        "allow": ("near_leakage", "leakage", "duplicates", "near_duplicates"),
    }  # fmt: skip
    return TrainConfig(out=out, seed=seed, **{**given, **changes})


def _rows(folder: Path) -> Iterator[Example]:
    corpus = {row["_id"]: row for row in lines_of(folder / "corpus.jsonl.gz")}
    split = splits_of(folder, corpus)
    asked = {row["_id"]: row["text"] for row in lines_of(folder / "queries.jsonl.gz")}
    index = learned_index(folder, corpus, split)
    for part, most in (("train", MOST.get(folder.name)), ("dev", HELD_OUT)):
        for query in shuffled(split[part])[:most]:
            row = _row(index, asked[query], split[part][query], part)
            if row is not None:
                yield row


def shuffled(gold: Gold) -> list[str]:
    """Its questions in an order that is the same in every run; of dev the first HELD_OUT choose the weights."""
    chosen = sorted(gold)
    random.Random(0).shuffle(chosen)
    return chosen


def _row(index: Index, question: str, gold: set[str], part: str) -> Example | None:
    """The best chunk of the passages that answer, and others; None where the search finds none that answers."""
    hits = index.search(question, k=DEPTH)
    right = [_text(hit) for hit in hits if hit.chunk.source in gold]
    others = [_text(hit) for hit in hits if hit.chunk.source not in gold]
    wrong = _drawn(others, question) if part == "train" else others[:HELD_NEGATIVES]
    kept = tuple(text for text in dict.fromkeys(wrong) if right and text != right[0])
    if not right or not kept:
        return None
    return Example(question=question, positives=(right[0],), negatives=kept, split=part)


def _text(hit: Hit) -> str:
    return indexed_text(hit.chunk)


def _drawn(texts: list[str], question: str) -> list[str]:
    """Without replacement, each with a weight of 1 / (3 + place) (Efraimidis and Spirakis 2006)."""
    chance = random.Random(question)
    keys = {place: chance.random() ** (3 + place) for place in range(len(texts))}
    return [texts[place] for place in sorted(keys, key=lambda place: -keys[place])[:NEGATIVES]]
