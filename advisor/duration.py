"""How long training and embedding take: counted work over what hardware and software achieve.

A step lasts as long as the longer of two: the device's work (matrix products at an achieved rate, bytes at an achieved
bandwidth, dequantising) or the processor's, which starts every kernel. Each duration is an interval: the same work on a
slow, a usual and a fast stack of software (facts/rates.toml).
"""

from __future__ import annotations

import math

from .flops import (
    Passes,
    Row,
    extra_bytes,
    head_weights,
    moved_bytes,
    passes,
    row_tokens,
    row_work,
    touched_linear,
    training_flops,
)
from .phrase import Phrase, say
from .rates import Stack, matmul_limit, stack
from .setups import Card, ModelSpec, TimeEstimate, TrainSetup

_ROWS_PER_UPDATE = (
    16  # rows between two optimizer steps where none are stated: 'LoRA Without Regret' advises below 32
)
# Times that an optimizer step passes over each trained number: AdamW kernel by kernel (decay, two moments, root,
# division, update), or fused in one kernel; three more for clipping the gradients. Read in torch.optim.adamw.
_UPDATE_PASSES = {"adamw": 20.0, "adamw_fused": 7.0, "adafactor": 12.0, "sgd": 3.0}
_EIGHT_BIT_BYTES = 4.0  # both moments read and written with one byte each; weight and gradient pass as usual
_CLIPPING = 3.0
_PCIE = 25e9  # bytes a second, one way


def training_time(
    model: ModelSpec,
    setup: TrainSetup,
    *,
    rows: int,
    epochs: float = 1.0,
    card: Card | None = None,
    cpu_cores: int | None = None,
    tokens_per_row: float | None = None,
    rows_per_update: int | None = None,
) -> TimeEstimate:
    """Hours of `epochs` passes over `rows` rows on `setup.gpus` cards; card None = CPU with `cpu_cores`.

    `tokens_per_row` is the mean length where rows are shorter than `setup.seq_len`, `rows_per_update` the rows between
    two optimizer steps. Loading, evaluating and saving are left out. Raises ValueError for counts that make no sense.
    """
    _check("rows", rows)
    _check("epochs", epochs)
    _check("tokens_per_row", tokens_per_row)
    length = min(float(setup.seq_len), tokens_per_row or setup.seq_len)
    turns = min(epochs, 1.0) if setup.method == "features" else epochs  # computed once and kept
    row, done = row_work(model, row_tokens(setup, length), setup), passes(model, setup)
    at_once = setup.batch_size * setup.gpus
    updates = min(1.0, at_once / (rows_per_update or _ROWS_PER_UPDATE))
    steps = math.ceil(rows / at_once) * turns
    flops = training_flops(row, done, _learns_head(setup, done))

    def hours(end: Stack) -> float:
        if card is None:
            return steps * at_once * flops / (end.training_core * _cores(cpu_cores)) / 3600
        step = _step_seconds(model, setup, row, done, card, end)
        step += _sampling_seconds(model, setup, card, end)
        return steps * (step + updates * _update_seconds(model, setup, done, card, end)) / 3600

    return TimeEstimate(
        hours=hours(stack("value")),
        low_hours=hours(stack("high")),
        high_hours=hours(stack("low")),
        flops=flops * rows * turns,
        tokens=length * rows * turns,
        card=_name(card, cpu_cores),
        assumptions=_said(setup, card, length * rows * turns, tokens_per_row),
    )


def embedding_time(
    tokens: int,
    embedder: ModelSpec,
    *,
    card: Card | None = None,
    cpu_cores: int | None = None,
    chunk_tokens: int = 180,
) -> TimeEstimate:
    """Hours to turn `tokens` into vectors, in chunks of `chunk_tokens`; card None = CPU with `cpu_cores`."""
    _check("tokens", tokens)
    _check("chunk_tokens", chunk_tokens)
    chunk = min(chunk_tokens, embedder.context_tokens or chunk_tokens)
    row, chunks = row_work(embedder, chunk), tokens / chunk

    def hours(end: Stack) -> float:
        if card is None:
            return chunks * row.flops / (end.embedding_core * _cores(cpu_cores)) / 3600
        moved = row.moved_bytes * end.elementwise / (card.bandwidth_gb_s * 1e9 * end.bandwidth)
        computing = chunks * (row.flops / (matmul_limit(card, end.name) * end.embedding) + moved)
        return max(computing, tokens / end.splitting) / 3600

    return TimeEstimate(
        hours=hours(stack("value")),
        low_hours=hours(stack("high")),
        high_hours=hours(stack("low")),
        flops=chunks * row.flops,
        tokens=float(tokens),
        card=_name(card, cpu_cores),
        assumptions=(
            say("chunks of {tokens:,} tokens, in large batches of like length", tokens=chunk),
            *((say("one process splits the text into tokens"),) if card else ()),
        ),
    )


def _step_seconds(
    model: ModelSpec, setup: TrainSetup, row: Row, done: Passes, card: Card, end: Stack
) -> float:
    """One forward and backward pass of the rows that a card holds at once."""
    rows = setup.batch_size
    bandwidth = card.bandwidth_gb_s * 1e9 * end.bandwidth
    over_weights = done.forward + done.without_gradient + done.again + done.backward + done.weights
    read = over_weights * touched_linear(model, rows * done.sequences * row.tokens)  # weights, pass by pass
    products = (
        rows
        * training_flops(row, done, _learns_head(setup, done))
        / (matmul_limit(card, end.name) * end.matmul)
    )
    device = max(products, 2 * read / bandwidth)  # few tokens: the weights are read more slowly than used
    device += (rows * moved_bytes(row, done) * end.elementwise + extra_bytes(model, setup, done)) / bandwidth
    device += _dequantise_seconds(setup, read, card, end)
    return max(device, _exchange_seconds(model, setup, row, end), row.kernels * done.walks * end.launch)


def _exchange_seconds(model: ModelSpec, setup: TrainSetup, row: Row, end: Stack) -> float:
    """What goes to other cards or to the host while the card computes."""
    seconds = 0.0
    if setup.offload_activations:  # the input of each layer goes and comes back
        seconds += 2 * 2 * setup.batch_size * row.tokens * model.layers * model.hidden / _PCIE
    if setup.sharding in ("zero3", "fsdp") and setup.gpus > 1:  # gather ahead and back, scatter gradients
        seconds += 3 * 2 * touched_linear(model, math.inf) / end.link
    return seconds


def _dequantise_seconds(setup: TrainSetup, read: float, card: Card, end: Stack) -> float:
    """Quantised weights are written out in 16 bits whenever they are read."""
    if setup.weight_dtype in ("fp32", "bf16", "fp16"):
        return 0.0
    share = end.gptq if setup.weight_dtype == "gptq" else end.bitsandbytes
    bytes_each = (1.0 if setup.weight_dtype == "int8" else 0.5) + 2.0
    return read * bytes_each / (card.bandwidth_gb_s * 1e9 * share)


def _sampling_seconds(model: ModelSpec, setup: TrainSetup, card: Card, end: Stack) -> float:
    """PPO samples its answers token by token, each of which reads all weights."""
    if setup.method != "ppo":
        return 0.0
    weights = 2 * (touched_linear(model, setup.batch_size) + head_weights(model))
    return setup.answer_tokens * weights / (card.bandwidth_gb_s * 1e9 * end.decoding)


def _update_seconds(model: ModelSpec, setup: TrainSetup, done: Passes, card: Card, end: Stack) -> float:
    """One optimizer step, and the gradients that cards exchange for it; adapters are too small to count."""
    head = head_weights(model)
    beside = head * sum(name in setup.trained_modules for name in ("embed", "head"))
    trained = min(1.0, done.weights) * (touched_linear(model, math.inf) + head) + beside
    width = 4.0 if setup.weight_dtype == "fp32" else 2.0
    eight_bit = setup.optimizer in ("adamw_8bit", "paged_8bit")
    times = 3.0 if eight_bit else _UPDATE_PASSES.get(setup.optimizer, _UPDATE_PASSES["adamw_fused"])
    clipping = 0.0 if setup.optimizer_in_backward else _CLIPPING
    moved = trained * ((times + clipping) * width + (_EIGHT_BIT_BYTES if eight_bit else 0.0))
    if setup.sharding == "cpu_offload":  # gradients go over, weights come back
        return trained * 2 * width / _PCIE
    shared = setup.gpus if setup.sharding in ("zero2", "zero3", "fsdp") else 1
    seconds = moved / shared / (card.bandwidth_gb_s * 1e9 * end.bandwidth)
    return seconds + (2 * trained * width / end.link if setup.gpus > 1 else 0.0)


def _learns_head(setup: TrainSetup, done: Passes) -> bool:
    return done.weights >= 1 or setup.method == "output_layer" or "head" in setup.trained_modules


def _cores(cores: int | None) -> int:
    _check("cpu_cores", cores)
    return cores or 1


def _name(card: Card | None, cores: int | None) -> str:
    return card.name if card is not None else say("CPU with {cores} cores", cores=cores or 1)


def _said(
    setup: TrainSetup, card: Card | None, tokens: float, tokens_per_row: float | None
) -> tuple[Phrase, ...]:
    said = [say("{tokens:,.0f} tokens trained on in all", tokens=tokens)]
    if tokens_per_row is None:
        said.append(say("every row is {tokens:,} tokens long", tokens=setup.seq_len))
    if card is not None:
        share = matmul_limit(card) / (card.tflops_16bit * 1e12)
        said.append(
            say(
                "matrix products reach {share:.0%} of the printed peak of {card}", share=share, card=card.name
            )
        )
    said.append(say("from a fast to a slow stack of software; loading and evaluating left out"))
    return tuple(said)


def _check(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value:g}; give a number above 0.")


def in_all(*works: TimeEstimate) -> TimeEstimate:
    """One after the other: embedding the documents and training, for example. Raises ValueError without any."""
    if not works:
        raise ValueError("No work was given; name at least one duration.")
    return TimeEstimate(
        hours=sum(work.hours for work in works),
        low_hours=sum(work.low_hours for work in works),
        high_hours=sum(work.high_hours for work in works),
        flops=sum(work.flops for work in works),
        tokens=sum(work.tokens for work in works),
        card=works[0].card,
        assumptions=tuple(dict.fromkeys(said for work in works for said in work.assumptions)),
    )
