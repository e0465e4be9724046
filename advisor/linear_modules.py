"""The linear maps of a transformer, as its family builds them: fused or apart, dense or in experts; pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from .families import Family, family_of
from .setups import ModelSpec


@dataclass(frozen=True, slots=True)
class Linear:
    """`count` equal linear maps of the whole model.

    A fused one plays several roles; one without a role takes no LoRA; 'beside' takes it with 'all-linear' only.
    """

    roles: tuple[str, ...]
    d_in: int
    d_out: int
    count: int
    bias: bool = False
    expert: bool = False  # one routed expert's part of a tensor that holds all experts of a layer
    router: bool = False
    ranks: int = 1  # peft gives the fused gate and up projection of experts twice the rank


def head_dim(model: ModelSpec) -> int:
    return model.head_dim or model.hidden // model.heads


def widths(model: ModelSpec) -> tuple[int, int]:
    """Width of the query and of the key (= value) projection."""
    return model.heads * head_dim(model), model.kv_heads * head_dim(model)


def value_width(model: ModelSpec) -> int:
    return model.heads * (model.value_dim or head_dim(model))


def traits(model: ModelSpec) -> Family:
    return family_of(model.family, model.kind, linear_bias=model.linear_bias)


@lru_cache(maxsize=1024)
def linear_modules(model: ModelSpec) -> tuple[Linear, ...]:
    family = traits(model)
    layers = 1 if family.shared_layers else model.layers
    sparse = layers - model.dense_layers if model.experts else 0
    biased = model.linear_bias or family.mlp_bias
    plain = (
        *_mlp(model, family, model.intermediate, layers - sparse, biased),
        *_mlp(model, family, model.shared_intermediate, sparse, biased),
    )
    if sparse and family.lora_experts:
        plain = tuple(replace(linear, roles=()) for linear in plain)
    return (
        *_attention(model, family, layers),
        *plain,
        *_experts(model, family, sparse),
        *_beside(model, family, sparse),
    )


def _attention(model: ModelSpec, family: Family, layers: int) -> Iterator[Linear]:
    q, kv = widths(model)
    h, bias = model.hidden, model.attention_bias or model.linear_bias
    out_bias = (
        model.linear_bias or family.output_bias == "always" or (family.output_bias == "as_qkv" and bias)
    )
    if model.kv_latent:  # multi-head latent attention, DeepSeek-V2, arXiv 2405.04434
        latent, nope = model.kv_latent - model.rope_dim, head_dim(model) - model.rope_dim
        if model.q_latent:
            yield Linear(("q",), h, model.q_latent, layers, bias)
        yield Linear(("q",), model.q_latent or h, q, layers)
        yield Linear(("k", "v"), h, model.kv_latent, layers, bias)
        yield Linear(("k", "v"), latent, model.heads * nope + value_width(model), layers)
    elif family.fused_qkv:
        yield Linear(("q", "k", "v"), h, q + 2 * kv, layers, bias)
    else:
        yield from (
            Linear((role,), h, width, layers, bias) for role, width in (("q", q), ("k", kv), ("v", kv))
        )
    yield Linear(("o",), value_width(model), h, layers, out_bias)


def _mlp(model: ModelSpec, family: Family, width: int, count: int, bias: bool) -> Iterator[Linear]:
    if not count or not width:
        return
    h = model.hidden
    if model.gated_mlp and family.fused_gate_up:
        yield Linear(("gate", "up"), h, 2 * width, count, bias)
    else:
        roles = ("gate", "up") if model.gated_mlp else ("up",)
        yield from (Linear((role,), h, width, count, bias) for role in roles)
    yield Linear(("down",), width, h, count, bias)


def _experts(model: ModelSpec, family: Family, layers: int) -> Iterator[Linear]:
    """Routed experts and their router. transformers 5 fuses each expert's gate with its up projection."""
    if not model.experts:
        return
    width, bias = model.expert_intermediate or model.intermediate, model.linear_bias or family.expert_bias
    h, count, ups = model.hidden, layers * model.experts, 2 if model.gated_mlp else 1
    reached = family.lora_experts
    up_roles, down_roles = (("gate", "up"), ("down",)) if reached else ((), ())
    yield Linear(up_roles, h, ups * width, count, bias, expert=True, ranks=ups)
    yield Linear(down_roles, width, h, count, bias, expert=True)
    yield Linear(("beside",) if reached else (), h, model.experts, layers, family.expert_bias, router=True)


def _beside(model: ModelSpec, family: Family, sparse: int) -> Iterator[Linear]:
    """Linear modules beside the projections: a pooler, the gate of shared experts, widened narrow embeddings."""
    h, narrow = model.hidden, model.embedding_width
    if family.pooler:
        yield Linear(("beside",), h, h, 1, True)
    if family.shared_expert_gate and sparse and model.shared_intermediate:
        yield Linear(("beside",), h, 1, sparse)
    if narrow:
        yield Linear(("beside",), narrow, h, 1, model.kind == "encoder")
        if model.kind == "decoder":  # OPT narrows again before the head
            yield Linear(("beside",), h, narrow, 1)
