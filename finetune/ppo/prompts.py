"""Prompts in tokens: a conversation up to a question, as the model will see it when it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune import template
from finetune.methods import entry
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.ppo.settings import policy_settings
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow, render
from finetune.weights import context_tokens

Turns = tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    tokens: list[int]
    turns: Turns


def usable(example: Example) -> bool:
    return bool(turns_of(example))


def turns_of(example: Example) -> Turns:
    """Up to the last question. An answer after it, which other objectives learn, is not looked at."""
    turns = example.messages
    while turns and turns[-1]["role"] != "user":
        turns = turns[:-1]
    return tuple({"role": turn["role"], "content": turn["content"]} for turn in turns)


def load_tokenizer(folder: Path, examples: Sequence[Example]) -> Any:
    return template.load_tokenizer(folder)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each prompt in tokens, the assistant's turn opened. One that leaves no room for an answer is marked so. Raises
    ValueError naming the line that a template refuses, unless "refused" is allowed: then it is left out."""
    length, found = longest(config, folder), []
    for example in examples:
        try:
            ids = template.encode(tokenizer, render(tokenizer, turns_of(example), answering=True))
        except ValueError as error:
            if "refused" in config.allow:
                continue
            raise ValueError(f"Row at line {example.line}: {error}") from None
        kept = ids[:length]
        row = TokenRow(input_ids=kept, labels=[IGNORED] * len(kept), lost=len(ids) - len(kept))
        found.append(Encoded(line=example.line, rows=(row,), asked=not row.cut))
    return found


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of the longest prompt: what the model can read beside virtual tokens and the answer. Raises ValueError
    where nothing is left."""
    context = context_tokens(folder)
    virtual = config.virtual_tokens if entry(config.method).virtual_tokens else 0
    whole = config.max_length if context is None else min(config.max_length, context - virtual)
    answer = policy_settings(config).answer_tokens
    if whole <= answer:
        raise ValueError(
            f"answer_tokens is {answer}, but question and answer have {whole} tokens together; give fewer "
            "--answer-tokens or a larger --max-length."
        )
    return whole - answer


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    """The prompts that leave room for an answer."""
    return _rows(train), _rows(held_out)


def _rows(encoded: Sequence[Encoded]) -> list[Row]:
    return [
        {"input_ids": row.input_ids, "labels": row.labels} for one in encoded if one.asked for row in one.rows
    ]


def prompts_of(
    examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any
) -> list[Prompt]:
    """Of the same examples, tokens and turns together; those without room are left out."""
    encoded = ((example, encode([example], config, folder, tokenizer)) for example in examples)
    return [
        Prompt(tokens=one.rows[0].input_ids, turns=turns_of(example))
        for example, found in encoded
        for one in found
        if one.asked
    ]
