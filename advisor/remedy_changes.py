"""The single changes that lower the memory of a run, in the order in which several of them are made; pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .limits import largest_batch, longest_context, longest_sequence, most_concurrent, verdict
from .memory import estimate_memory
from .phrase import Phrase, say
from .setup_words import POLICY_METHODS
from .setups import ModelSpec, ServeSetup, TrainSetup

_SHORTEST_TOKENS = 256  # shorter rows and requests are no remedy
_CARDS_OF_ONE_MACHINE = (2, 4, 8)
_TO_QUANTISE = ("full", "lora", "rslora", "dora", "qlora")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLimit:
    """The card that has to suffice; `gpu` names it where its own context was measured."""

    vram_gib: float
    gpu: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to do. Changes of one kind exclude one another.

    `cost` ranks what fits equally well: 0 changes neither result nor time, 1 and 2 take time, 3 touches the result,
    4 cuts the data, 5 takes more cards; `extra` adds to it by how far a value was moved.
    """

    kind: str
    cost: int
    make: Callable[[ModelSpec, Any, CardLimit], Any]  # the changed setup; None where it makes no sense
    tell: Callable[[Any, Any], Phrase]  # from the setups before and after all changes
    extra: Callable[[Any, Any], float] = lambda before, after: 0.0


def _set(kind: str, cost: int, text: Phrase, **values: Any) -> Change:
    return Change(
        kind=kind, cost=cost, make=lambda model, setup, card: replace(setup, **values), tell=lambda *_: text
    )


def _to_lora(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    if setup.method in POLICY_METHODS:
        return replace(setup, trained_with="lora", weight_dtype="bf16")
    return replace(setup, method="lora", weight_dtype="bf16") if setup.method == "full" else None


def _to_qlora(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    if setup.method in POLICY_METHODS:
        return replace(setup, trained_with="qlora", weight_dtype="nf4")
    return replace(setup, method="qlora", weight_dtype="nf4") if setup.method in _TO_QUANTISE else None


def _to_double(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    return replace(setup, weight_dtype="nf4-dq") if setup.weight_dtype == "nf4" else None


def _fewer_rows(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    """As many rows for each step as before, in more batches, whose gradients wait for one another."""
    waiting = replace(setup, accumulation=max(2, setup.accumulation))
    rows = largest_batch(model, waiting, card.vram_gib, gpu=card.gpu) or 1
    if rows >= setup.batch_size:
        return None
    batches = -(-setup.batch_size // rows)
    return replace(setup, batch_size=rows, accumulation=setup.accumulation * batches)


def _shorter_rows(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    tokens = longest_sequence(model, setup, card.vram_gib, gpu=card.gpu) or 0
    return replace(setup, seq_len=min(tokens, setup.seq_len)) if tokens >= _SHORTEST_TOKENS else None


def _more_cards(model: ModelSpec, setup: TrainSetup, card: CardLimit) -> TrainSetup | None:
    for gpus in _CARDS_OF_ONE_MACHINE:
        shared = replace(setup, gpus=max(gpus, setup.gpus), sharding="fsdp")
        if verdict(estimate_memory(model, shared, card.gpu), card.vram_gib) == "yes":
            return shared
    return None


def _fewer_requests(model: ModelSpec, setup: ServeSetup, card: CardLimit) -> ServeSetup:
    requests = most_concurrent(model, setup, card.vram_gib, gpu=card.gpu) or 1
    return replace(setup, concurrent=min(requests, setup.concurrent))


def _shorter_requests(model: ModelSpec, setup: ServeSetup, card: CardLimit) -> ServeSetup | None:
    tokens = longest_context(model, setup, card.vram_gib, gpu=card.gpu) or 0
    return (
        replace(setup, context_tokens=min(tokens, setup.context_tokens))
        if tokens >= _SHORTEST_TOKENS
        else None
    )


def _tell_rows(before: TrainSetup, after: TrainSetup) -> Phrase:
    if after.batch_size == 1:
        return say("one row at a time instead of {asked:,}, gradients accumulated", asked=before.batch_size)
    return say(
        "{rows:,} rows at a time instead of {asked:,}, gradients accumulated",
        rows=after.batch_size,
        asked=before.batch_size,
    )


def _tell_length(before: TrainSetup, after: TrainSetup) -> Phrase:
    return say(
        "rows of at most {tokens:,} tokens instead of {asked:,}", tokens=after.seq_len, asked=before.seq_len
    )


def _tell_cards(before: TrainSetup, after: TrainSetup) -> Phrase:
    return say("{gpus} such cards that share weights, gradients and states (FSDP, ZeRO-3)", gpus=after.gpus)


def _tell_requests(before: ServeSetup, after: ServeSetup) -> Phrase:
    return say(
        "{requests:,} at once instead of {asked:,}", requests=after.concurrent, asked=before.concurrent
    )


def _tell_context(before: ServeSetup, after: ServeSetup) -> Phrase:
    return say(
        "requests of at most {tokens:,} tokens instead of {asked:,}",
        tokens=after.context_tokens,
        asked=before.context_tokens,
    )


def _rows_halved(before: TrainSetup, after: TrainSetup) -> float:
    return math.log2(before.seq_len / after.seq_len)


def _cards_doubled(before: TrainSetup, after: TrainSetup) -> float:
    return math.log2(after.gpus / before.gpus)


def _requests_halved(before: ServeSetup, after: ServeSetup) -> float:
    return math.log2(before.context_tokens / after.context_tokens)


_LORA = say("LoRA: the base stays frozen in bf16")
_DOUBLE = say("double quantisation of the base")
_QLORA = say("QLoRA: the base stays frozen in 4 bits (NF4)")

# What is set comes before what is searched for.
TRAINING: tuple[Change, ...] = (
    _set("attention", 0, say("attention that never holds all scores (SDPA)"), attention="sdpa"),
    _set(
        "loss",
        0,
        say("a loss computed in chunks, so that the logits never stand whole"),
        loss_kernel="chunked",
    ),
    _set("optimizer", 0, say("the fused step of AdamW"), optimizer="adamw_fused"),
    _set("optimizer", 2, say("AdamW with states of 8 bits"), optimizer="adamw_8bit"),
    _set(
        "recompute",
        2,
        say("gradient checkpointing: activations are computed twice"),
        gradient_checkpointing=True,
    ),
    _set("reference", 2, say("no reference model beside the policy"), reference_model=False),
    _set("dtype", 3, say("weights and states in bf16 alone"), weight_dtype="bf16"),
    Change(kind="base", cost=3, make=_to_lora, tell=lambda *_: _LORA),
    Change(kind="base", cost=3, make=_to_qlora, tell=lambda *_: _QLORA),
    Change(kind="base", cost=2, make=_to_double, tell=lambda *_: _DOUBLE),
    _set("upcast", 2, say("embeddings and head left in 16 bits, without peft's upcast"), kbit_upcast=False),
    _set(
        "in_backward", 2, say("each gradient used and freed in the backward pass"), optimizer_in_backward=True
    ),
    _set("offload", 3, say("activations that wait in the machine's RAM"), offload_activations=True),
    Change(kind="rows", cost=1, make=_fewer_rows, tell=_tell_rows),
    Change(kind="length", cost=4, make=_shorter_rows, tell=_tell_length, extra=_rows_halved),
    Change(kind="cards", cost=5, make=_more_cards, tell=_tell_cards, extra=_cards_doubled),
)
SERVING: tuple[Change, ...] = (
    _set("kv", 1, say("a KV cache of 8 bits"), kv_dtype="int8"),
    _set("weights", 2, say("weights of 8 bits"), weight_dtype="int8"),
    _set("weights", 3, say("weights of 4 bits (NF4)"), weight_dtype="nf4"),
    Change(kind="requests", cost=2, make=_fewer_requests, tell=_tell_requests),
    Change(kind="context", cost=4, make=_shorter_requests, tell=_tell_context, extra=_requests_halved),
)
