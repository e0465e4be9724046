"""How each shipped adapter is trained: its rows and its settings; `domain_adapters.py` runs them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from cloze_rows import cloze_rows
from domain_sets import DOMAIN_SETS, index_of
from embed_rows import embed_config, embed_training_rows
from measured import BUILD
from reader_rows import Row, found_rows, squad_rows
from rerank_rows import rerank_config, rerank_training_rows

from finetune import Example, TrainConfig
from finetune.formats.span_rows import spans
from rag.embed import load_embedder

FOLDER = BUILD / "domains"
HELD_OUT = (
    300  # rows of a set's dev split: enough to choose the threshold, few enough to be scored in a minute
)
MEDQUAD_QUESTIONS = 800  # its questions follow a few patterns: more of them teach nothing new
READER = {"method": "lora", "objective": "span_qa", "lora_rank": 32, "lora_alpha": 64, "batch_size": 24}
# Questions made from the documents of each set, at most: most of them of the prose that people ask about most.
CLOZE = {"squad_en": 6000, "tatqa_en": 2000, "covidqa_en": 2000, "pubmedqa_en": 2000, "medquad_en": 2000}
GENERAL = {"epochs": 2.0, "learning_rate": 1e-3}
# Readers of a domain go on from the general one at a third of its rate, so that they keep what it knows.
DOMAIN = {"epochs": 2.0, "learning_rate": 3e-4}
# The shipped general reader is a mean of trained ones (mean_reader.py): recipes, their seeds, and the weight of each.
MEAN: tuple[tuple[str, Sequence[int], float], ...] = (
    ("reader", (0, 1), 1.0),
    ("reader-finance", (0, 1, 2), 1 / 3),
)
MEAN_READER = FOLDER / "reader-mean"
SECTION = 160  # tokens: answers of MedQuAD are sections, as long as a passage is


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`rows` to learn and held out, and the settings for an output folder and a seed; `after`: whose adapter of
    seed 0 it goes on from."""

    rows: Callable[[], list[Example]]
    config: Callable[[str, int], TrainConfig]
    after: str = ""


def reader_rows(names: Sequence[str]) -> list[Example]:
    """Of each set, the train split to learn from and a part of the dev split held out."""
    found: list[Example] = []
    for name in names:
        for split in ("train", "dev"):
            rows = _rows(name, split)
            if split == "dev":
                random.Random(0).shuffle(rows)
            kept = rows if split == "train" else rows[:HELD_OUT]
            found += [replace(spans(row), split=split) for row in kept]
    return [replace(row, line=line) for line, row in enumerate(found, start=1)]


def cloze_reader_rows() -> list[Example]:
    """Questions made from documents to learn from, and of SQuAD the part of the dev split held out."""
    made: list[Row] = []
    for name, most in CLOZE.items():
        chosen = DOMAIN_SETS[name]()
        made += cloze_rows(chosen, index_of(chosen, FOLDER, load_embedder("minilm")), most)
    learned = [replace(spans(row), split="train") for row in made]
    held = [row for row in reader_rows(("squad_en",)) if row.split == "dev"]
    return [replace(row, line=line) for line, row in enumerate([*learned, *held], start=1)]


def _rows(name: str, split: str) -> list[Row]:
    chosen = DOMAIN_SETS[name]()
    if name == "squad_en":
        return squad_rows(chosen, split)
    most = MEDQUAD_QUESTIONS if name == "medquad_en" else None
    return found_rows(chosen, split, index_of(chosen, FOLDER, load_embedder("minilm")), most=most)


def reader_config(out: str, seed: int, **changes: Any) -> TrainConfig:
    return TrainConfig(model="minilm", out=out, seed=seed, **{**READER, **changes})


@cache
def _embed_rows() -> list[Example]:
    train, held = embed_training_rows()
    rows = [*(replace(row, split="train") for row in train), *(replace(row, split="dev") for row in held)]
    return [replace(row, line=line) for line, row in enumerate(rows, start=1)]


RECIPES: dict[str, Recipe] = {
    "reader-cloze": Recipe(
        rows=cloze_reader_rows,
        # To its last step: its loss on people's questions is no measure of what made ones have taught it.
        config=lambda out, seed: reader_config(
            out, seed, **{**GENERAL, "epochs": 1.0, "eval_steps": 100_000}
        ),
    ),
    "reader": Recipe(
        rows=lambda: reader_rows(("squad_en", "tatqa_en", "covidqa_en")),
        config=lambda out, seed: reader_config(out, seed, **GENERAL),
        after="reader-cloze",
    ),
    "reader-finance": Recipe(
        rows=lambda: reader_rows(("tatqa_en",)),
        config=lambda out, seed: reader_config(out, seed, **DOMAIN),
        after="reader",
    ),
    "reader-medical": Recipe(
        rows=lambda: reader_rows(("covidqa_en", "pubmedqa_en", "medquad_en")),
        config=lambda out, seed: reader_config(out, seed, **DOMAIN, answer_tokens=SECTION),
        after="reader",
    ),
    "reranker": Recipe(rows=rerank_training_rows, config=lambda out, seed: rerank_config(out, seed)),
    "embedder": Recipe(rows=_embed_rows, config=lambda out, seed: embed_config(out, seed=seed)),
}


def folder_of(name: str, seed: int) -> Path:
    """Where a recipe's adapter of this seed is kept."""
    return FOLDER / f"{name}-seed{seed}"
