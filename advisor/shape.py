"""Counts a transformer's parameters and those of its LoRA adapters from its ModelSpec; pure arithmetic.

The modules themselves stand in linear_modules.py, what families build differently in families.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from .families import Family
from .linear_modules import Linear, head_dim, linear_modules, traits, value_width, widths
from .setups import ModelSpec

__all__ = [
    "ALL_LINEAR",
    "Counts",
    "count_parameters",
    "head_dim",
    "linears",
    "lora_parameters",
    "modules",
    "resolved",
    "target_roles",
    "widths",
]

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
    "experts": ("gate", "up", "down"),
}  # fmt: skip
ALL_LINEAR = ("q", "k", "v", "o", "gate", "up", "down")
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
        "o": (value_width(model), h),
        "up": (h, f),
        "down": (f, h),
    }
    return {**shapes, "gate": (h, f)} if model.gated_mlp else shapes


def modules(model: ModelSpec) -> tuple[Linear, ...]:
    """All linear modules of the layers, as the family builds them."""
    return linear_modules(resolved(model))


def count_parameters(model: ModelSpec) -> Counts:
    """Counts per module; tied embeddings once."""
    return _count(resolved(model))


def target_roles(model: ModelSpec, targets: str) -> tuple[str, ...]:
    """The roles that `targets` ('all-linear' or a comma list, whatever a family calls them) names in this model.

    In a mixture of experts gate, up and down are what peft 0.21 reaches on transformers 5, where experts are tensors
    and no modules: in most families the experts alone, in the others the dense and shared projections alone.
    """
    present = _roles(model)
    if targets.strip() in ("all-linear", "all", ""):
        return present
    roles: list[str] = []
    for name in targets.split(","):
        key = name.strip().lower()
        found = _ROLES.get(key) or _ROLES.get(key.removesuffix("_proj").removesuffix("_layer"))
        if found is None:
            raise ValueError(
                f"Unknown LoRA target {name.strip()!r}; choose 'all-linear' or of {list(ALL_LINEAR)} and 'head'."
            )
        roles += found
    chosen = tuple(dict.fromkeys(role for role in roles if role in present or role == "head"))
    if not chosen:
        raise ValueError(
            f"{model.name} has no module that {targets!r} names; choose of {list(present)} and 'head'."
        )
    return chosen


def lora_parameters(model: ModelSpec, rank: int, roles: tuple[str, ...]) -> int:
    """rank * sum(d_in + d_out) over the targeted modules of all layers, the head once.

    Where every role is targeted, so are routers and poolers, as peft's 'all-linear' does.
    """
    everything = set(roles) >= set(_roles(model))
    targeted = sum(
        (linear.d_in + linear.d_out) * linear.count * linear.ranks
        for linear in modules(model)
        if not set(roles).isdisjoint(linear.roles) or (everything and "beside" in linear.roles)
    )
    head = model.hidden + model.vocab if "head" in roles else 0
    return rank * (targeted + head)


def _roles(model: ModelSpec) -> tuple[str, ...]:
    present = {role for linear in modules(model) for role in linear.roles}
    return tuple(role for role in ALL_LINEAR if role in present)


@lru_cache(maxsize=1024)
def _count(model: ModelSpec) -> Counts:
    family, every = traits(model), linear_modules(model)
    encoder = model.kind == "encoder"
    narrow = model.embedding_width or model.hidden
    matrices = [(module, module.d_in * module.d_out * module.count) for module in every]
    biases = sum(module.d_out * module.count for module in every if module.bias)
    return Counts(
        linear=sum(size for module, size in matrices if not module.router),
        experts=sum(size for module, size in matrices if module.expert),
        embedding=model.vocab * narrow,
        head=0 if model.tied_embeddings or encoder else model.vocab * narrow,
        norms=_norms(model, family),
        biases=biases + (model.vocab if family.head_bias and not encoder else 0),
        positions=(_positions(model) + family.token_types) * _outer_width(model),
        router=sum(size for module, size in matrices if module.router),
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
