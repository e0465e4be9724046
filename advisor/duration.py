"""How long training, embedding and answering take: counted work over what hardware and software achieve.

A step lasts max(operations / achieved rate + bytes / achieved bandwidth + dequantising, kernels * launch time). Each
duration is an interval: the same work on a slow, a usual and a fast stack of software (facts/rates.toml).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from .catalog import read_facts
from .flops import Forward, active_linear, forward, head_weights
from .phrase import Phrase, say
from .setups import Card, ModelSpec, TimeEstimate, TrainSetup
from .shape import widths

_ROWS_PER_UPDATE = (
    16  # rows between two optimizer steps where the batch is smaller: 'LoRA Without Regret', below 32
)
_PPO_PASSES = 4  # trl's num_ppo_epochs
_FROZEN_ROLES = 7  # linear modules of a layer that 'all-linear' adapts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a stack of software achieves: shares of peak rates, seconds per kernel, bytes a second between cards."""

    matmul: float
    bandwidth: float
    elementwise: float
    launch: float
    bitsandbytes: float
    gptq: float
    link: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """How often a method passes a row: forward with and without gradients, and the share that goes backward."""

    forward: float = 1.0
    without_gradient: float = 0.0
    backward: float = 1.0  # share of the layers through which gradients flow
    weights: float = 0.0  # share of the layers' weights that receive gradients


def rate(key: str, end: str = "value") -> float:
    """A figure of facts/rates.toml; a key without that end has one value."""
    for row in read_facts("rates"):
        if row["key"] == key:
            return float(row.get(end, row["value"]))
    raise KeyError(f"facts/rates.toml has no row {key!r}")


@cache
def stacks() -> tuple[Stack, Stack, Stack]:
    """The slow, the usual and the fast stack."""
    return (_stack("low"), _stack("value"), _stack("high"))


@cache
def _stack(end: str) -> Stack:
    return Stack(
        matmul=rate("matmul in training", end),
        bandwidth=rate("bandwidth in training", end),
        elementwise=rate("elementwise traffic", end),
        launch=rate("launch", end),
        bitsandbytes=rate("dequantise bitsandbytes", end),
        gptq=rate("dequantise gptq", end),
        link=rate("link", end),
        cpu=rate("cpu core", end),
    )


def matmul_limit(card: Card) -> float:
    """Operations a second that a matrix product reaches at best: the measured share of the data sheet's peak."""
    rows = [row for row in read_facts("rates") if row["key"].startswith("matmul ")]
    named = [row for row in rows if row["key"].removeprefix("matmul ") in card.name]
    share = float(named[0]["value"]) if named else rate("matmul other")
    return card.tflops_16bit * 1e12 * share


def passes(model: ModelSpec, setup: TrainSetup) -> Passes:
    """Forward and backward passes of a method per row; a preference row holds two answers."""
    method = setup.method
    if method in ("features", "output_layer"):
        return Passes(backward=0.0)
    if method == "last_layers":
        share = min(1.0, setup.tuned_layers / model.layers)
        return Passes(backward=share, weights=share)
    whole = method == "full" or (method in ("reward", "dpo", "kto", "ppo") and setup.trained_with == "full")
    weights = 1.0 if whole else 0.0
    reference = 1.0 if setup.reference_model or not whole else 0.0
    if method == "reward":
        return Passes(forward=2, backward=2, weights=2 * weights)
    if method == "dpo":
        return Passes(forward=2, without_gradient=2 * reference, backward=2, weights=2 * weights)
    if method == "kto":  # a mismatched answer passes policy and reference as well, for the KL term
        return Passes(without_gradient=1 + 2 * reference, weights=weights)
    if (
        method == "ppo"
    ):  # policy, reference, reward and value rate each answer; policy and value are then trained
        trained = 2.0 * _PPO_PASSES
        return Passes(forward=trained, without_gradient=4, backward=trained, weights=trained * weights)
    return Passes(weights=weights)


def training_time(
    model: ModelSpec,
    setup: TrainSetup,
    *,
    rows: int,
    epochs: float = 1.0,
    card: Card | None = None,
    cpu_cores: int | None = None,
    tokens_per_row: float | None = None,
) -> TimeEstimate:
    """Hours of `epochs` passes over `rows` rows on `setup.gpus` cards; card None = CPU.

    `tokens_per_row` is the mean length where rows are shorter than `setup.seq_len`. Loading the model, evaluating and
    saving are left out. Raises ValueError for counts that make no sense.
    """
    _check(rows=rows, epochs=epochs, tokens_per_row=tokens_per_row, cpu_cores=cpu_cores)
    length = min(float(setup.seq_len), tokens_per_row or setup.seq_len)
    turns = min(epochs, 1.0) if setup.method == "features" else epochs  # features are computed once and kept
    steps = math.ceil(rows / (setup.batch_size * setup.gpus)) * turns
    slow, usual, fast = (
        steps * _step_seconds(model, setup, length, card, cpu_cores, stack) for stack in stacks()
    )
    tokens = rows * turns * length
    return TimeEstimate(
        hours=usual / 3600,
        low_hours=fast / 3600,
        high_hours=slow / 3600,
        flops=_flops(model, setup, length) * rows * turns,
        tokens=tokens,
        card=_name(card, cpu_cores),
        assumptions=_training_assumptions(setup, tokens, card, tokens_per_row),
    )


def embedding_time(
    tokens: int,
    embedder: ModelSpec,
    *,
    card: Card | None = None,
    cpu_cores: int | None = None,
    chunk_tokens: int = 180,
) -> TimeEstimate:
    """Hours to turn `tokens` into vectors, in chunks of `chunk_tokens`, without overlap; card None = CPU."""
    _check(rows=tokens, cpu_cores=cpu_cores)
    row = max(1, min(chunk_tokens, embedder.context_tokens or chunk_tokens))
    pass_ = forward(embedder, row)
    rows = tokens / row
    slow, usual, fast = (rows * _forward_seconds(pass_, card, cpu_cores, stack) for stack in stacks())
    return TimeEstimate(
        hours=usual / 3600,
        low_hours=fast / 3600,
        high_hours=slow / 3600,
        flops=rows * pass_.flops,
        tokens=float(tokens),
        card=_name(card, cpu_cores),
        assumptions=(say("chunks of {tokens:,} tokens, large batches sorted by length", tokens=row),),
    )


def answer_seconds(
    model: ModelSpec,
    card: Card,
    *,
    read_tokens: int,
    answer_tokens: int,
    kept_tokens: int = 0,
    concurrent: int = 8,
    weight_dtype: str = "bf16",
    end: Literal["low", "value", "high"] = "value",
) -> float:
    """Seconds of card for one question of `concurrent` that are answered together.

    Reading is bound by operations; writing by the bandwidth with which all weights, shared by the questions at work,
    and each question's own cache are read for every token (or by operations, where many are at work). `kept_tokens`
    precede the question and stand in the cache already.
    """
    stack = _stack(end)
    achieved = matmul_limit(card) * stack.matmul
    row = forward(model, max(1, read_tokens))
    with_kept = 4 * widths(model)[0] * model.layers * kept_tokens * read_tokens
    reading = (row.flops + with_kept + 2 * head_weights(model)) / achieved
    bandwidth = card.bandwidth_gb_s * 1e9 * rate("bandwidth in decoding", end)
    context = kept_tokens + read_tokens + answer_tokens / 2
    step_bytes = _weight_bytes(model, weight_dtype, concurrent) + concurrent * context * kv_bytes(model)
    step_flops = concurrent * 2 * (active_linear(model) + head_weights(model))
    step = max(step_bytes / bandwidth, step_flops / achieved)
    return reading + answer_tokens * step / concurrent


def kv_bytes(model: ModelSpec) -> float:
    """Bytes that one token takes in a 16-bit cache: keys and values of every layer, or their compressed form."""
    if model.kv_latent:
        return 2.0 * model.layers * model.kv_latent
    return 2.0 * 2 * model.layers * widths(model)[1]


def _weight_bytes(model: ModelSpec, weight_dtype: str, concurrent: int) -> float:
    """Bytes of the weights read for one step; of experts no more than the questions at work can choose."""
    each = {"fp32": 4.0, "int8": 1.0, "nf4": 0.5625, "nf4-dq": 0.516, "gptq": 0.52}.get(weight_dtype, 2.0)
    chosen = min(model.experts or 1, concurrent * (model.experts_per_token or 1))
    touched = replace(model, experts_per_token=chosen) if model.experts else model
    return each * active_linear(touched) + 2 * head_weights(model)


def _step_seconds(
    model: ModelSpec, setup: TrainSetup, length: float, card: Card | None, cores: int | None, stack: Stack
) -> float:
    """One optimizer's share and one pass of the rows that a card holds at once."""
    row = _forward(model, setup, length)
    rows = setup.batch_size
    flops = _flops(model, setup, length) * rows
    if card is None:
        return flops / (stack.cpu * (cores or 1))
    done = passes(model, setup)
    again = min(1.0, done.backward) if setup.gradient_checkpointing else 0.0
    walks = done.forward * (1 + again) + done.without_gradient + 2 * done.backward
    bandwidth = card.bandwidth_gb_s * 1e9 * stack.bandwidth
    moved = rows * (row.moved_bytes * walks + row.loss_bytes * done.forward) * stack.elementwise
    busy = flops / (matmul_limit(card) * stack.matmul) + moved / bandwidth
    busy += _dequantise_seconds(model, setup, card, stack, walks - done.backward)
    started = row.kernels * walks * stack.launch
    return max(busy, started) + _update_seconds(model, setup, bandwidth, stack)


def _forward(model: ModelSpec, setup: TrainSetup, length: float) -> Forward:
    adapted = _FROZEN_ROLES if setup.lora_targets == "all-linear" else setup.lora_targets.count(",") + 1
    with_lora = setup.method in ("lora", "rslora", "dora", "qlora", "adalora", "lora_fa", "vera", "oft")
    return forward(
        model,
        max(1, round(length)),
        attention=setup.attention,
        loss=setup.loss_kernel,
        lora_modules=adapted if with_lora else 0,
    )


def _flops(model: ModelSpec, setup: TrainSetup, length: float) -> float:
    """Operations for one row: 2 forward, 2 for gradients of activations, 2 for those of weights, 2 when recomputed."""
    row, done = _forward(model, setup, length), passes(model, setup)
    again = min(1.0, done.backward) * done.forward if setup.gradient_checkpointing else 0.0
    ahead = done.forward + done.without_gradient
    linear = row.linear_flops * (ahead + again + done.backward + done.weights)
    attention = row.attention_flops * (ahead + again + 2 * done.backward)
    trains_head = done.weights > 0 or setup.method == "output_layer"
    return linear + attention + row.head_flops * (ahead + done.forward * (1 + trains_head))


def _dequantise_seconds(model: ModelSpec, setup: TrainSetup, card: Card, stack: Stack, walks: float) -> float:
    """Quantised weights are written out in 16 bits for each pass over them, forward, again and backward."""
    if setup.weight_dtype in ("fp32", "bf16", "fp16"):
        return 0.0
    achieved = stack.gptq if setup.weight_dtype == "gptq" else stack.bitsandbytes
    each = (1.0 if setup.weight_dtype == "int8" else 0.5) + 2.0  # bytes read and written per weight
    return walks * each * active_linear(model) / (card.bandwidth_gb_s * 1e9 * achieved)


def _update_seconds(model: ModelSpec, setup: TrainSetup, bandwidth: float, stack: Stack) -> float:
    """Adam's step, shared by the passes between two of them, and what cards exchange."""
    done = passes(model, setup)
    trained = min(1.0, done.weights) * (active_linear(model) + head_weights(model))
    width = 4.0 if setup.weight_dtype == "fp32" else 2.0
    updates = min(1.0, setup.batch_size / _ROWS_PER_UPDATE)
    seconds = (
        updates * trained * 7 * width / bandwidth
    )  # weight, gradient and two moments read, three of them written
    if setup.sharding == "cpu_offload":
        seconds += updates * trained * 2 * width / min(stack.link, 25e9)
    if setup.gpus > 1 and setup.sharding in ("zero3", "fsdp"):
        seconds += 3 * active_linear(model) * width / stack.link
    elif setup.gpus > 1:
        seconds += updates * 2 * trained * width / stack.link
    return seconds


def _forward_seconds(row: Forward, card: Card | None, cores: int | None, stack: Stack) -> float:
    if card is None:
        return row.flops / (stack.cpu * (cores or 1))
    moved = row.moved_bytes * stack.elementwise / (card.bandwidth_gb_s * 1e9 * stack.bandwidth)
    return row.flops / (matmul_limit(card) * stack.matmul) + moved


def _name(card: Card | None, cores: int | None) -> str:
    if card is not None:
        return card.name
    return say("CPU, {cores} cores", cores=cores or 1)


def _training_assumptions(
    setup: TrainSetup, tokens: float, card: Card | None, tokens_per_row: float | None
) -> tuple[Phrase, ...]:
    said = [say("{tokens:,.0f} tokens trained on in all", tokens=tokens)]
    if tokens_per_row is None:
        said.append(say("every row as long as the limit of {tokens:,} tokens", tokens=setup.seq_len))
    if card is not None:
        share = matmul_limit(card) / (card.tflops_16bit * 1e12)
        said.append(
            say(
                "matrix products reach at most {share:.0%} of the data sheet's peak of {card}",
                share=share,
                card=card.name,
            )
        )
    return tuple(said)


def _check(**counts: Any) -> None:
    for name, value in counts.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value:g}; give a number above 0.")
