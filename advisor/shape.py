"""Counts a transformer's parameters module by module from its ModelSpec; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from .schema import ModelSpec

# What families and users call the projections -> the role that is counted.
_ROLES = {
    "q": ("q",), "k": ("k",), "v": ("v",), "o": ("o",), "gate": ("gate",), "up": ("up",), "down": ("down",),
    "mlp": ("gate", "up", "down"), "proj": ("o",), "head": ("head",), "lm_head": ("head",),
    "qkv": ("q", "k", "v"), "c_attn": ("q", "k", "v"), "query_key_value": ("q", "k", "v"),
    "query": ("q",), "key": ("k",), "value": ("v",), "dense": ("o",), "out": ("o",), "output": ("o",),
    "c_proj": ("o", "down"), "c_fc": ("up",), "w1": ("gate",), "w2": ("down",), "w3": ("up",),
    "fc1": ("up",), "fc2": ("down",), "gate_up": ("gate", "up"),
}  # fmt: skip
ALL_LINEAR = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Parameters by kind: `linear` of all layers, `embedding` and `head` (0 when tied), and the small `rest`."""

    linear: int
    embedding: int
    head: int
    rest: int

    @property
    def total(self) -> int:
        return self.linear + self.embedding + self.head + self.rest


def head_dim(model: ModelSpec) -> int:
    return model.head_dim or model.hidden // model.heads


def widths(model: ModelSpec) -> tuple[int, int]:
    """Width of the query and of the key (= value) projection."""
    return model.heads * head_dim(model), model.kv_heads * head_dim(model)


def linears(model: ModelSpec) -> dict[str, tuple[int, int]]:
    """Role -> (d_in, d_out) of the linear modules of one layer."""
    h, f = model.hidden, model.intermediate
    q, kv = widths(model)
    shapes = {"q": (h, q), "k": (h, kv), "v": (h, kv), "o": (q, h), "up": (h, f), "down": (f, h)}
    return {**shapes, "gate": (h, f)} if model.gated_mlp else shapes


def count_parameters(model: ModelSpec) -> Counts:
    """Counts per module; tied embeddings once. Biases count only where they matter, in encoders."""
    per_layer = sum(d_in * d_out for d_in, d_out in linears(model).values())
    norms = (2 * model.layers + 1) * model.hidden
    encoder = model.kind == "encoder"
    # A BERT has learned positions, two segment rows and a pooler, and biases on each projection and norm.
    biases = model.layers * (sum(d_out for _, d_out in linears(model).values()) + 2 * model.hidden)
    extra = (model.context_tokens or 512) * model.hidden + 2 * model.hidden + model.hidden**2 + biases
    return Counts(
        linear=model.layers * per_layer,
        embedding=model.vocab * model.hidden,
        head=0 if model.tied_embeddings or encoder else model.vocab * model.hidden,
        rest=norms + (extra if encoder else 0),
    )


def target_roles(model: ModelSpec, targets: str) -> tuple[str, ...]:
    """The roles that `targets` ('all-linear' or a comma list, whatever a family calls them) names in this model."""
    if targets.strip() in ("all-linear", "all", ""):
        return tuple(role for role in ALL_LINEAR if role in linears(model))
    roles: list[str] = []
    for name in targets.split(","):
        key = name.strip().lower()
        found = _ROLES.get(key) or _ROLES.get(key.removesuffix("_proj").removesuffix("_layer"))
        if found is None:
            raise ValueError(
                f"Unknown LoRA target {name.strip()!r}; choose 'all-linear' or of {list(ALL_LINEAR)} and 'head'."
            )
        roles += found
    present = {*linears(model), "head"}
    return tuple(dict.fromkeys(role for role in roles if role in present))


def lora_parameters(model: ModelSpec, rank: int, roles: tuple[str, ...]) -> int:
    """rank * sum(d_in + d_out) over the targets of every layer, the head once."""
    shapes = linears(model)
    per_layer = sum(sum(shapes[role]) for role in roles if role in shapes)
    head = model.hidden + model.vocab if "head" in roles else 0
    return rank * (model.layers * per_layer + head)
