"""Scores a loaded model that is not in training, in the tokens of its work: how likely it finds given answers, what
it answers itself, and what it knows in general."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch

from finetune.answer_scores import SCORES
from finetune.forgetting import score_general
from finetune.gains import RowScores
from finetune.general_set import GeneralRow
from finetune.generate import TransformersGenerator
from finetune.oom import in_batches
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, Messages, TokenRow, encode, encode_row, render
from finetune.told import Say, Told

BATCH = 4  # rows at a time; halved where memory runs out
NO_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Log-probability of an answer given its prompt, the end token included, and over how many tokens."""

    total: float
    tokens: int

    @property
    def mean(self) -> float:
        return self.total / max(self.tokens, 1)


def likelihoods(
    generator: TransformersGenerator, conversations: Sequence[Messages], say: Say
) -> list[Likelihood]:
    """Of each conversation's last turn, which is the assistant's.

    What does not fit into the model's context is cut at its end; an answer that is cut off whole has 0 tokens.
    Raises ValueError for a conversation that the chat template refuses.
    """
    room = generator.context_tokens or NO_LIMIT
    rows = [encode_row(generator.tokenizer, turns, room, generator.stops) for turns in conversations]
    order = sorted(range(len(rows)), key=lambda at: -len(rows[at].input_ids))  # the largest batch first
    with torch.inference_mode():
        found = in_batches(
            [rows[at] for at in order], BATCH, lambda batch: _likelihoods(generator, batch), say
        )
    by_place = dict(zip(order, found, strict=True))
    return [by_place[at] for at in range(len(rows))]


def _likelihoods(generator: TransformersGenerator, batch: Sequence[TokenRow]) -> list[Likelihood]:
    width = max(len(row.input_ids) for row in batch)
    pad, model = generator.tokenizer.pad_token_id, generator.model
    device = model.device
    ids = torch.tensor([row.input_ids + [pad] * (width - len(row.input_ids)) for row in batch], device=device)
    mask = torch.tensor(
        [[1] * len(row.input_ids) + [0] * (width - len(row.input_ids)) for row in batch], device=device
    )
    # Soft prompts put tokens of their own before the row's.
    logits = model(input_ids=ids, attention_mask=mask).logits[:, -width:]
    return [_likelihood(logits[at], row) for at, row in enumerate(batch)]


def _likelihood(logits: torch.Tensor, row: TokenRow) -> Likelihood:
    places = [at for at in range(1, len(row.labels)) if row.labels[at] != IGNORED]
    if not places:
        return Likelihood(total=0.0, tokens=0)
    wanted = torch.tensor([row.labels[at] for at in places], device=logits.device)
    said = logits[[at - 1 for at in places]].float().log_softmax(-1)
    return Likelihood(total=float(said.gather(-1, wanted[:, None]).double().sum()), tokens=len(places))


def task_scores(
    generator: TransformersGenerator, rows: Sequence[Example], say: Say
) -> dict[str, list[float]]:
    """Exact match, token F1 and ROUGE-L of the model's own answers to the rows' questions.

    Rows that no answer fits beside are left out by the caller: see `answerable`.
    """
    tokenizer = generator.tokenizer
    prompts = [encode(tokenizer, render(tokenizer, row.messages[:-1], answering=True)) for row in rows]
    order = sorted(range(len(rows)), key=lambda at: -len(prompts[at]))
    given = in_batches(
        [prompts[at] for at in order], BATCH, lambda batch: generator.batch(batch, _nothing), say
    )
    answers = dict(zip(order, given, strict=True))
    return {
        name: [score(row.messages[-1]["content"], answers[at]) for at, row in enumerate(rows)]
        for name, score in SCORES.items()
    }


def answerable(generator: TransformersGenerator, row: Example) -> bool:
    """Whether a row asks for an answer, and the model can read it and still write one."""
    if not row.messages or row.messages[-1]["role"] != "assistant":
        return False
    room = generator.context_tokens or NO_LIMIT
    prompt = render(generator.tokenizer, row.messages[:-1], answering=True)
    return generator.count_tokens(prompt) + generator.max_new_tokens <= room


def general_scores(
    generator: TransformersGenerator, rows: Sequence[GeneralRow], config: TrainConfig, say: Say
) -> RowScores:
    """As a run measures forgetting; `config` is that of the model's adapter."""
    standing: Any = SimpleNamespace(  # what of a trainer such a scoring reads
        model=generator.model,
        processing_class=generator.tokenizer,
        args=SimpleNamespace(device=generator.model.device),
        compute_loss_context_manager=nullcontext,
    )
    return score_general(standing, rows, config, Told(say=say))


def _nothing() -> None:
    """What a batch needs before it: no adapter to switch."""
