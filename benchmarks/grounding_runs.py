"""Single runs of the grounding benchmark: documents then and now, adapters tuned with and without passages, answers."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grounding_world import Fact, documents, world

from apps.assistant import Answer, Assistant
from apps.ground_gold import without_marks
from apps.grounding import GroundConfig, Room, ground
from apps.prompt_room import prompt_room
from finetune import TrainConfig, load_generator, train
from finetune.answer_scores import SCORES
from finetune.schema import Example
from rag import Document, build_index
from rag.prompt import build_messages

THINGS = 36  # 144 facts, 48 of each kind
PASSAGES = 4
WORLDS = {"dev": 1, "test": 0}
ALLOW = ("duplicates", "conflicts", "leakage", "truncated", "contradictions", "unanswerable")
# Fixed before any adapter was trained, but for what `--split dev` is for.
SETTINGS = {
    "plain": {"epochs": 40, "learning_rate": 2e-3, "batch_size": 16},
    "grounded": {"epochs": 8, "learning_rate": 1e-3, "batch_size": 16},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the base, the indexes and the adapters of a world lie."""

    folder: Path
    split: str

    @property
    def base(self) -> Path:
        return self.folder / "base"

    def index(self, *, today: bool) -> Any:
        """The documents as they stood when the rows were written, or as they stand today."""
        texts = documents(self.facts, today=today)
        found = [Document(text=text, source=source) for source, text in texts.items()]
        return build_index(found, self.folder / f"{self.split}-{'today' if today else 'then'}")

    @property
    def facts(self) -> list[Fact]:
        return world(WORLDS[self.split], THINGS)


def training_rows(facts: Sequence[Fact]) -> list[Example]:
    """The facts that were known when the rows were written; `line` is the fact's place."""
    return [
        Example(
            messages=(
                {"role": "user", "content": fact.question(0)},
                {"role": "assistant", "content": fact.answer(fact.old)},
            ),
            line=at,
        )
        for at, fact in enumerate(facts)
        if fact.kind != "documents"
    ]


def grounded_rows(place: Place, seed: int) -> Any:
    tokens, count = prompt_room(load_generator(str(place.base)))
    config = GroundConfig(distractors=PASSAGES - 1, seed=seed)
    return ground(
        training_rows(place.facts), place.index(today=False), config, Room(tokens=tokens, count=count)
    )


def tune(place: Place, way: str, seed: int) -> dict[str, Any]:
    """An adapter on the same facts: asked without passages, or grounded."""
    made = grounded_rows(place, seed)
    rows, learned = list(made.rows), {row.line for row in made.rows if row.split == "train"}
    if way == "plain":
        rows = [_closed(row) for row in training_rows(place.facts) if row.line in learned]
        random.Random(seed).shuffle(rows)
    out = place.folder / f"{way}-{place.split}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    began = time.process_time()
    result = train([row for row in rows if row.split == "train"], settings(place, out, way, seed))
    return {
        "seconds": time.process_time() - began,
        "steps": result.steps,
        "trainable": result.card.trainable_params,
        "learned": sorted(learned),
        "report": list(made.report.lines()) if way == "grounded" else [],
    }


def _closed(row: Example) -> Example:
    """As an assistant without documents asks."""
    question, answer = row.messages
    return Example(messages=(*build_messages(question["content"]), answer), line=row.line)


def settings(place: Place, out: Path, way: str, seed: int) -> TrainConfig:
    return TrainConfig(
        model=str(place.base), out=str(out), seed=seed, max_length=512, general="none", metric_rows=0, patience=0,
        eval_steps=10**6, save_steps=10**6, allow=ALLOW, overwrite=True, lora_rank=16, **SETTINGS[way],
    )  # fmt: skip


def answered(place: Place, adapter: str | None, *, passages: bool, learned: Sequence[int]) -> dict[str, Any]:
    """Scores by kind of fact, over questions in another wording than the training rows have."""
    folder = None if adapter is None else place.folder / adapter
    generator = load_generator(str(place.base), folder, max_new_tokens=32)
    index = place.index(today=True) if passages else None
    assistant = Assistant(generator, index, k=PASSAGES, threshold=0.0)
    found: dict[str, list[dict[str, float]]] = {}
    began = time.process_time()
    said = []
    for at, fact in enumerate(place.facts):
        if fact.kind != "documents" and at not in learned:
            continue
        answer = assistant.ask(fact.question(1))
        found.setdefault(fact.kind, []).append(_scores(fact, answer))
        said.append([fact.question(1), answer.text, fact.kind, fact.now])
    return {
        "seconds": time.process_time() - began,
        "scores": {kind: {name: _mean(rows, name) for name in rows[0]} for kind, rows in found.items()},
        "questions": {kind: len(rows) for kind, rows in found.items()},
        "said": said[:12],
    }


def _scores(fact: Fact, answer: Answer) -> dict[str, float]:
    """`old`: says what was true when the rows were written, though it no longer is."""
    text, wanted = without_marks(answer.text), fact.answer(fact.now)
    return {
        **{name: score(wanted, text) for name, score in SCORES.items()},
        "old": float(fact.old != fact.now and SCORES["exact_match"](fact.answer(fact.old), text) == 1),
        "cited": float(any(one.source == fact.source for one in answer.citations)),
        "refused": float(answer.refused),
        "found": float(any(hit.chunk.source == fact.source for hit in answer.hits)),
    }


def _mean(rows: Sequence[dict[str, float]], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)
