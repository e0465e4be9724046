"""Grounds the rows of a training run: opens the index, gives prompts the room of work and rows their length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from apps.grounding import GroundConfig, Grounded, Progress, Room, ground
from apps.prompt_room import prompt_room

if TYPE_CHECKING:
    from finetune.schema import Example, TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a run learns from, and what is told of how its rows were made."""

    rows: list[Example]
    config: TrainConfig
    notes: tuple[str, ...] = ()
    made_from: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"made_from": self.made_from} if self.made_from else {}


def ground_run(
    rows: Sequence[Example],
    index: str,
    chosen: GroundConfig,
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    fixed_length: bool = False,
    out: str | None = None,
) -> Learned:
    """The rows of a run with passages, and `max_length` such that none is cut, unless it is fixed.

    They are written to `out` too. Raises ValueError or OSError in one line.
    """
    from finetune.methods import entry
    from finetune.weights import resolve_model

    if config.objective != "sft":
        raise ValueError(f"--ground makes rows for the objective 'sft', not '{config.objective}'.")
    model = resolve_model(config.model)
    virtual = config.virtual_tokens if entry(config.method).virtual_tokens else 0
    grounded = ground_examples(rows, index, chosen, model, progress, virtual_tokens=virtual)
    if out is not None:
        write_rows(grounded.rows, Path(out))
    return Learned(
        rows=list(grounded.rows),
        config=config if fixed_length else _with_room(config, grounded.rows, model, virtual),
        notes=grounded.report.lines(),
        made_from={"way": "grounding", "index": index, **asdict(grounded.report)},
    )


def ground_examples(
    examples: Sequence[Example],
    index: str,
    config: GroundConfig,
    model: Path | None,
    progress: Progress | None = None,
    *,
    virtual_tokens: int = 0,
) -> Grounded:
    """The examples with passages of the index at `index`. `model`: whose tokens count (None: an estimate)."""
    from rag import open_index

    return ground(examples, open_index(index), config, _room(model, virtual_tokens), progress)


def _room(model: Path | None, virtual_tokens: int) -> Room:
    """As `advisor ask` has it with its own settings."""
    if model is None:
        return Room()
    from apps.settings import Settings
    from finetune.template import encode, load_tokenizer
    from finetune.weights import context_tokens

    tokenizer, context = load_tokenizer(model), context_tokens(model)
    reads = SimpleNamespace(
        context_tokens=None if context is None else context - virtual_tokens,
        count_tokens=lambda text: len(encode(tokenizer, text)),
        max_new_tokens=Settings().max_new_tokens,
    )
    tokens, count = prompt_room(reads)
    return Room(tokens=tokens, count=count)


def _with_room(config: TrainConfig, rows: Sequence[Example], model: Path, virtual_tokens: int) -> TrainConfig:
    from finetune.template import encode, load_tokenizer, render
    from finetune.weights import context_tokens

    tokenizer = load_tokenizer(model)
    longest = max(len(encode(tokenizer, render(tokenizer, row.messages, answering=False))) for row in rows)
    context = context_tokens(model)
    needed = max(config.max_length, longest + 1)  # an end token, where the template writes none
    return replace(config, max_length=needed if context is None else min(needed, context - virtual_tokens))


def write_rows(rows: Sequence[Example], out: Path) -> None:
    """One JSON object a line: messages and split, as every trainer of chat models reads them."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; name a file for the rows.")
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"messages": row.messages, "split": row.split}, ensure_ascii=False) for row in rows)
    out.write_text("".join(f"{line}\n" for line in lines), "utf-8")
