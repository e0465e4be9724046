"""Counts a transformer's parameters module by module from its ModelSpec; pure arithmetic.

What families build differently stands in families.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from .families import Family, family_of
from .setups import ModelSpec

# What families and users call the projections -> the role that is counted.
_ROLES = {
    "q": ("q",), "k": ("k",), "v": ("v",), "o": ("o",), "gate": ("gate",), "up": ("up",), "down": ("down",),
    "mlp": ("gate", "up", "down"), "proj": ("o",), "head": ("head",), "lm_head": ("head",),
    "qkv": ("q", "k", "v"), "c_attn": ("q", "k", "v"), "query_key_value": ("q", "k", "v"),
    "wqkv": ("q", "k", "v"), "w_pack": ("q", "k", "v"), "q_a": ("q",), "q_b": ("q",),
    "kv_a": ("k", "v"), "kv_b": ("k", "v"), "kv_a_proj_with_mqa": ("k", "v"), "wo": ("o",),
    "query": ("q",), "key": ("k",), "value": ("v",), "dense": ("o",), "out": ("o",), "output": ("o",),
    "q_lin": ("q",), "k_lin": ("k",), "v_lin": ("v",), "out_lin": ("o",), "lin1": ("up",), "lin2": ("down",),
    "dense_h_to_4h": ("gate", "up"), "dense_4h_to_h": ("down",),
    "c_proj": ("o", "down"), "c_fc": ("up",), "w1": ("gate",), "w2": ("down",), "w3": ("up",),
    "fc1": ("up",), "fc2": ("down",), "fc_in": ("up",), "fc_out": ("down",), "gate_up": ("gate", "up"),
    "experts": ("expert_gate", "expert_up", "expert_down"), "router": ("router",),
}  # fmt: skip
ALL_LINEAR = ("q", "k", "v", "o", "gate", "up", "down")
_MLP = ("gate", "up", "down")
_EXPERTS = ("expert_gate", "expert_up", "expert_down")
_TOLERATED, _AGREES = 0.02, 0.015  # a stated size further off than this; another reading nearer than that


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Parameters by kind. `linear` is the matrices of all layers and of a pooler; `experts` those of them that routed
    experts hold, which transformers 5 keeps as plain tensors: bitsandbytes does not quantise them.

    `embedding` counts word embeddings, `head` is 0 when tied, `positions` includes token types, `other` is tables of
    relative positions and attention sinks.
    """

    linear: int
    experts: int
    embedding: int
    head: int
    norms: int
    biases: int
    positions: int
    router: int
    other: int

    @property
    def rest(self) -> int:
        return self.norms + self.biases + self.positions + self.router + self.other

    @property
    def total(self) -> int:
        return self.linear + self.embedding + self.head + self.rest


@dataclass(frozen=True, slots=True)
class Linear:
    """`count` equal linear maps of the whole model; a fused one plays several roles."""

    roles: tuple[str, ...]
    d_in: int
    d_out: int
    count: int
    bias: bool = False
    expert: bool = False  # one routed expert's part of a tensor that holds all experts of a layer
    ranks: int = 1  # peft gives the fused gate and up projection of experts twice the rank


def head_dim(model: ModelSpec) -> int:
    return model.head_dim or model.hidden // model.heads


def widths(model: ModelSpec) -> tuple[int, int]:
    """Width of the query and of the key (= value) projection."""
    return model.heads * head_dim(model), model.kv_heads * head_dim(model)


@lru_cache(maxsize=1024)
def resolved(model: ModelSpec) -> ModelSpec:
    """The reading of `tied_embeddings` and `gated_mlp` that agrees with a stated `params_b` (see ModelSpec)."""
    if not model.params_b:
        return model
    tied, gated = not model.tied_embeddings, not model.gated_mlp
    readings = [
        model,
        replace(model, tied_embeddings=tied),
        replace(model, gated_mlp=gated),
        replace(model, tied_embeddings=tied, gated_mlp=gated),
    ]
    errors = [abs(_count(reading).total / (model.params_b * 1e9) - 1) for reading in readings]
    best = min(range(len(readings)), key=errors.__getitem__)
    return readings[best] if errors[0] > _TOLERATED and errors[best] < _AGREES else model


def linears(model: ModelSpec) -> dict[str, tuple[int, int]]:
    """Role -> (d_in, d_out) of the projections of one layer without experts, fused ones taken apart."""
    model = resolved(model)
    h, f = model.hidden, model.intermediate
    q, kv = widths(model)
    shapes = {
        "q": (h, q),
        "k": (h, kv),
        "v": (h, kv),
        "o": (_value_width(model), h),
        "up": (h, f),
        "down": (f, h),
    }
    return {**shapes, "gate": (h, f)} if model.gated_mlp else shapes


def modules(model: ModelSpec) -> tuple[Linear, ...]:
    """All linear modules of the layers, as the family builds them."""
    return _modules(resolved(model))


def count_parameters(model: ModelSpec) -> Counts:
    """Counts per module; tied embeddings once."""
    return _count(resolved(model))


def target_roles(model: ModelSpec, targets: str) -> tuple[str, ...]:
    """The roles that `targets` ('all-linear' or a comma list, whatever a family calls them) names in this model.

    As peft 0.21 does on transformers 5, whose experts are tensors and no modules: in most mixtures of experts
    'all-linear' and 'mlp' reach experts, in the others only what 'experts' names does.
    """
    reaches_experts = bool(model.experts) and _family(model).lora_experts
    present = {role: None for linear in modules(model) for role in linear.roles}
    if targets.strip() in ("all-linear", "all", ""):
        left_out = set(_MLP) if reaches_experts else {*_EXPERTS, "router"}
        return tuple(role for role in present if role not in left_out)
    roles: list[str] = []
    for name in targets.split(","):
        key = name.strip().lower()
        found = _ROLES.get(key) or _ROLES.get(key.removesuffix("_proj").removesuffix("_layer"))
        if found is None:
            raise ValueError(
                f"Unknown LoRA target {name.strip()!r}; choose 'all-linear' or of {list(ALL_LINEAR)} and 'head'."
            )
        roles += [f"expert_{role}" if reaches_experts and role in _MLP else role for role in found]
    return tuple(dict.fromkeys(role for role in roles if role in present or role == "head"))


def lora_parameters(model: ModelSpec, rank: int, roles: tuple[str, ...]) -> int:
    """rank * sum(d_in + d_out) over the targeted modules of all layers, the head once."""
    targeted = sum(
        (linear.d_in + linear.d_out) * linear.count * linear.ranks
        for linear in modules(model)
        if not set(roles).isdisjoint(linear.roles)
    )
    head = model.hidden + model.vocab if "head" in roles else 0
    return rank * (targeted + head)


def _value_width(model: ModelSpec) -> int:
    return model.heads * (model.value_dim or head_dim(model))


@lru_cache(maxsize=1024)
def _modules(model: ModelSpec) -> tuple[Linear, ...]:
    family = _family(model)
    layers = 1 if family.shared_layers else model.layers
    sparse = layers - model.dense_layers if model.experts else 0
    biased = model.linear_bias or family.mlp_bias
    return (
        *_attention(model, family, layers),
        *_mlp(model, family, model.intermediate, layers - sparse, biased),
        *_mlp(model, family, model.shared_intermediate, sparse, biased),
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
        yield Linear(("k", "v"), latent, model.heads * nope + _value_width(model), layers)
    elif family.fused_qkv:
        yield Linear(("q", "k", "v"), h, q + 2 * kv, layers, bias)
    else:
        yield from (
            Linear((role,), h, width, layers, bias) for role, width in (("q", q), ("k", kv), ("v", kv))
        )
    yield Linear(("o",), _value_width(model), h, layers, out_bias)


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
    yield Linear(("expert_gate", "expert_up"), h, ups * width, count, bias, expert=True, ranks=ups)
    yield Linear(("expert_down",), width, h, count, bias, expert=True)
    yield Linear(("router",), h, model.experts, layers, family.expert_bias)


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


def _family(model: ModelSpec) -> Family:
    return family_of(model.family, model.kind, linear_bias=model.linear_bias)


@lru_cache(maxsize=1024)
def _count(model: ModelSpec) -> Counts:
    family, every = _family(model), _modules(model)
    encoder = model.kind == "encoder"
    narrow = model.embedding_width or model.hidden
    matrices = [(module, module.d_in * module.d_out * module.count) for module in every]
    biases = sum(module.d_out * module.count for module in every if module.bias)
    return Counts(
        linear=sum(size for module, size in matrices if "router" not in module.roles),
        experts=sum(size for module, size in matrices if module.expert),
        embedding=model.vocab * narrow,
        head=0 if model.tied_embeddings or encoder else model.vocab * narrow,
        norms=_norms(model, family),
        biases=biases + (model.vocab if family.head_bias and not encoder else 0),
        positions=(_positions(model) + family.token_types) * _outer_width(model),
        router=sum(size for module, size in matrices if "router" in module.roles),
        other=_other(model, family),
    )


def _positions(model: ModelSpec) -> int:
    """Rows of learned positions; an encoder of unknown make has a BERT's."""
    guessed = (model.context_tokens or 512) if model.kind == "encoder" and not model.family else 0
    return model.positions or guessed


def _norms(model: ModelSpec, family: Family) -> int:
    """Numbers of all norms; those on queries and keys are scales of one head or of the whole width."""
    layers = 1 if family.shared_layers else model.layers
    q, kv = widths(model)
    qk = 0
    if model.qk_norm:
        qk = q + kv if family.qk_norm == "full" else 2 * head_dim(model)
    latent = model.q_latent + model.kv_latent - model.rope_dim if model.kv_latent else 0
    plain = layers * model.norms_per_layer - family.missing_norms
    outer = family.outer_norms * _outer_width(model)
    return family.norm_numbers * (plain * model.hidden + outer + layers * qk) + layers * latent


def _outer_width(model: ModelSpec) -> int:
    """ALBERT and ELECTRA add positions and normalise before they widen; OPT widens first."""
    return (model.embedding_width or model.hidden) if model.kind == "encoder" else model.hidden


def _other(model: ModelSpec, family: Family) -> int:
    """Tables of relative positions and attention sinks."""
    relative = family.relative_rows * model.hidden + family.relative_buckets * model.heads
    return relative + (model.layers * model.heads if family.attention_sinks else 0)
