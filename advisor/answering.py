"""How long a card works on one question: it reads the prompt at its rate of operations and writes at its bandwidth."""

from __future__ import annotations

from .flops import active_linear, head_weights, row_work, touched_linear
from .rates import End, matmul_limit, stack
from .setups import Card, ModelSpec
from .shape import widths

# Bytes of one weight in memory: NF4 with a scale per 64, with scales quantised again, GPTQ with one per 128.
_WEIGHT_BYTES = {"fp32": 4.0, "int8": 1.0, "nf4": 0.5625, "nf4-dq": 0.516, "gptq": 0.52}


def answer_seconds(
    model: ModelSpec,
    card: Card,
    *,
    read_tokens: int,
    answer_tokens: int,
    kept_tokens: int = 0,
    concurrent: int = 8,
    weight_dtype: str = "bf16",
    end: End = "value",
) -> float:
    """Seconds of a card for one question, of which `concurrent` are answered together.

    Reading costs operations. For each token written the weights are read once for all questions at work, and each
    question's cache for itself; where many are at work, operations can bind instead. `kept_tokens` precede the question
    and stand in the cache already (a corpus or instructions that every question shares).
    """
    achieved = matmul_limit(card, end) * stack(end).matmul
    bandwidth = card.bandwidth_gb_s * 1e9 * stack(end).decoding
    with_kept = 4 * widths(model)[0] * model.layers * kept_tokens * read_tokens
    reading = (row_work(model, read_tokens).flops + with_kept + 2 * head_weights(model)) / achieved
    context = kept_tokens + read_tokens + answer_tokens / 2
    weights = _WEIGHT_BYTES.get(weight_dtype, 2.0) * touched_linear(model, concurrent) + 2 * head_weights(
        model
    )
    token_bytes = weights / concurrent + context * kv_bytes(model)
    token_flops = 2 * (active_linear(model) + head_weights(model))
    return reading + answer_tokens * max(token_bytes / bandwidth, token_flops / achieved)


def kv_bytes(model: ModelSpec) -> float:
    """Bytes that one token takes in a 16-bit cache: keys and values of every layer, or their compressed form."""
    if model.kv_latent:
        return 2.0 * model.layers * model.kv_latent
    return 2.0 * 2 * model.layers * widths(model)[1]
