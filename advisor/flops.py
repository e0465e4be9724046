"""Counts what one row costs: operations, bytes moved outside matrix products, kernels started; pure arithmetic.

How long that takes is asked in duration.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from .families import family_of
from .setups import ModelSpec, TrainSetup
from .shape import lora_parameters, modules, resolved, target_roles, widths

# Bytes that transformers' eager kernels read and write per token in a forward pass, 16 bits unless they upcast.
_NORM = 36.0  # per unit of width: to fp32, square, mean, scale, back to 16 bits, times the weight
_RESIDUAL = 6.0  # read two, write one
_ROTARY = 22.0  # per unit of query and key width: turn the halves, two products, one sum
_ATTENTION = 2.0  # read q, k, v and write the output once: flash and SDPA
_EAGER_SCORE = 30.0  # per head and key: scores, mask, softmax in fp32, back to 16 bits, times the values
_GATED, _PLAIN = 10.0, 4.0  # per unit of the MLP's width: activation, product with the gate
# An adapter reads its input, then its output is made, scaled and added: bytes per unit of input and of output width.
# fp32 adapters cast their input; under autocast it is cast back, without it the sum is made in fp32 and cast.
_ADAPTER_BYTES = {"16bit": (2.0, 12.0), "autocast": (14.0, 12.0), "fp32": (10.0, 28.0)}
_LOSS = {
    "stock": 40.0,
    "fused": 16.0,
    "chunked": 8.0,
}  # per token and word: to fp32, log-softmax, its gradient
_DORA = 24.0  # per adapted weight and pass: its sum with the product of the adapter, and the norm of that, in fp32
# Kernels of one layer, forward: two norms of six, four projections, rotary 12, attention 3, two residuals, MLP 5.
_LAYER_KERNELS, _ADAPTER_KERNELS, _EXPERT_KERNELS = 38, 5, 8

_ADAPTED = ("lora", "rslora", "dora", "qlora", "adalora", "lora_fa", "vera", "oft")
_VIRTUAL = ("prompt", "ptuning")  # tokens that lengthen the row; a prefix stands in the cache only
_ATTENTION_BACK = 2.5  # five products where forward has two: FlashAttention-2, arXiv 2307.08691, section 4
_PPO_PASSES = 4  # over each batch of answers: trl's num_ppo_epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One forward pass over one row. Operations of linear layers, attention, head and adapters; bytes; kernels."""

    tokens: float
    linear: float
    attention: float
    head: float
    adapters: float
    moved_bytes: float
    adapter_bytes: float
    loss_bytes: float
    kernels: float

    @property
    def flops(self) -> float:
        return self.linear + self.attention + self.head + self.adapters


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """How often a method passes a row: with and without gradients ahead, and back for activations and for weights.

    `again` counts forward passes repeated while going back, where activations were not kept; `sequences` of a row pass
    together.
    """

    sequences: float = 1.0
    forward: float = 1.0
    without_gradient: float = 0.0
    backward: float = 1.0
    weights: float = 0.0
    again: float = 0.0

    @property
    def walks(self) -> float:
        """Passes over the layers' activations; going back moves about twice what going ahead does."""
        return self.forward + self.without_gradient + self.again + 2 * self.backward


@lru_cache(maxsize=1024)
def active_linear(model: ModelSpec) -> float:
    """Weights that one token is multiplied with in the layers: of the routed experts only those that are chosen."""
    total = sum(
        linear.d_in * linear.d_out * linear.count * _chosen(model, linear.expert) for linear in modules(model)
    )
    family = family_of(model.family, model.kind, linear_bias=model.linear_bias)
    return total * (model.layers if family.shared_layers else 1)


def touched_linear(model: ModelSpec, tokens: float) -> float:
    """Weights that `tokens` tokens read together: of the experts no more than they can choose; inf = all."""
    if not model.experts:
        return active_linear(model)
    chosen = min(float(model.experts), tokens * (model.experts_per_token or 1))
    return active_linear(replace(model, experts_per_token=max(1, round(chosen))))


def head_weights(model: ModelSpec) -> float:
    """Weights of the output layer; tied ones are multiplied too. Encoders give vectors and have none."""
    return 0.0 if model.kind == "encoder" else float(model.vocab * (model.embedding_width or model.hidden))


def row_work(model: ModelSpec, tokens: float, setup: TrainSetup | None = None) -> Row:
    """One forward pass over a row of `tokens`; `setup` adds adapters, the loss and eager attention.

    n weights take 2n operations a token, attention 4 for each unit of query width and key: queries with keys, scores
    with values (PaLM, arXiv 2204.02311, appendix B); a causal kernel skips the half above the diagonal.
    """
    attention = setup.attention if setup else "sdpa"
    keys = _keys(model, tokens, attention)
    adapters, adapter_bytes, adapter_count = _adapters(model, setup)
    head = head_weights(model) if setup is not None else 0.0
    return Row(
        tokens=tokens,
        linear=2 * active_linear(model) * tokens,
        attention=4 * widths(model)[0] * keys * tokens,
        head=2 * head * tokens,
        adapters=2 * adapters * tokens,
        moved_bytes=_layer_bytes(model, keys, attention) * tokens,
        adapter_bytes=adapter_bytes * tokens,
        loss_bytes=_LOSS[setup.loss_kernel] * model.vocab * tokens if setup and head else 0.0,
        kernels=model.layers * _layer_kernels(model, setup) + _ADAPTER_KERNELS * adapter_count,
    )


def row_tokens(setup: TrainSetup, tokens: float) -> float:
    """Tokens that pass the model for a row of `tokens`: virtual ones before it, sampled ones after it."""
    if setup.method in _VIRTUAL:
        return tokens + setup.virtual_tokens
    return tokens + setup.answer_tokens if setup.method == "ppo" else tokens


def passes(model: ModelSpec, setup: TrainSetup) -> Passes:
    """Passes of a method per row; a preference row holds two answers."""
    found = _passes(model, setup)
    return replace(found, again=found.backward) if setup.gradient_checkpointing else found


def training_flops(row: Row, done: Passes, learns_head: bool) -> float:
    """Operations for one row: 2 per weight ahead, 2 back for activations, 2 for weights that learn, 2 when repeated."""
    ahead = done.forward + done.without_gradient
    return done.sequences * (
        row.linear * (ahead + done.again + done.backward + done.weights)
        + row.attention * (ahead + done.again + _ATTENTION_BACK * done.backward)
        + row.head * (ahead + done.forward * (2 if learns_head else 1))
        + row.adapters * (ahead + done.again + 2 * done.backward)
    )


def moved_bytes(row: Row, done: Passes) -> float:
    """Bytes moved outside matrix products for one row; an adapter's gradients move as much as its pass ahead."""
    adapters = done.forward + done.without_gradient + done.again + done.backward
    return done.sequences * (
        row.moved_bytes * done.walks + row.adapter_bytes * adapters + row.loss_bytes * done.forward
    )


def extra_bytes(model: ModelSpec, setup: TrainSetup, done: Passes) -> float:
    """Bytes that do not grow with the rows: DoRA makes each adapted weight anew in every pass ahead."""
    if setup.method != "dora":
        return 0.0
    roles = set(target_roles(model, setup.lora_targets))
    adapted = sum(m.d_in * m.d_out * m.count for m in modules(model) if not roles.isdisjoint(m.roles))
    return _DORA * adapted * (done.forward + done.again)


def _passes(model: ModelSpec, setup: TrainSetup) -> Passes:
    method = setup.method
    if method in ("features", "output_layer"):
        return Passes(backward=0.0)
    if method == "last_layers":
        share = min(1.0, setup.tuned_layers / model.layers)
        return Passes(backward=share, weights=share)
    full = method == "full" or (method in ("reward", "dpo", "kto", "ppo") and setup.trained_with == "full")
    weights = 1.0 if full else 0.0
    reference = (
        1.0 if setup.reference_model is not False or not full else 0.0
    )  # the frozen base is asked under an adapter too
    if method == "reward":
        return Passes(sequences=2, weights=weights)
    if method == "dpo":
        return Passes(sequences=2, without_gradient=reference, weights=weights)
    if method == "kto":  # a mismatched answer passes policy and reference as well, for the KL term
        return Passes(without_gradient=1 + 2 * reference, weights=weights)
    if (
        method == "ppo"
    ):  # policy, reference, reward and value rate each answer; policy and value are then trained
        trained = 2.0 * _PPO_PASSES
        return Passes(forward=trained, without_gradient=4, backward=trained, weights=trained * weights)
    return Passes(weights=weights)


def _chosen(model: ModelSpec, expert: bool) -> float:
    return (model.experts_per_token or 1) / (model.experts or 1) if expert else 1.0


def _keys(model: ModelSpec, tokens: float, attention: str) -> float:
    """Keys that a query meets, averaged over the row and summed over the layers."""
    causal = model.kind == "decoder" and attention != "eager"  # eager multiplies by what its mask then drops
    whole = (tokens + 1) / 2 if causal else tokens
    window = min(whole, model.window_tokens or whole)
    return (model.layers - model.local_layers) * whole + model.local_layers * window


def _layer_bytes(model: ModelSpec, keys: float, attention: str) -> float:
    """Bytes per token of all layers; experts' rows are gathered and scattered as a wider MLP would move them."""
    model = resolved(model)
    q, kv = widths(model)
    width = float(model.intermediate)
    if model.experts:
        width = (model.experts_per_token or 1) * (
            model.expert_intermediate or width
        ) + model.shared_intermediate
    rotary = model.kind == "decoder" and not model.positions
    each = (
        _NORM * model.norms_per_layer * model.hidden
        + 2 * _RESIDUAL * model.hidden
        + (_ROTARY * (q + kv) if rotary else 0.0)
        + _ATTENTION * (2 * q + 2 * kv)
        + (_GATED if model.gated_mlp else _PLAIN) * width
    )
    return model.layers * each + (_EAGER_SCORE * model.heads * keys if attention == "eager" else 0.0)


@lru_cache(maxsize=1024)
def _adapters(model: ModelSpec, setup: TrainSetup | None) -> tuple[float, float, float]:
    """Parameters of the adapters, bytes that they move per token, and how many there are."""
    if setup is None or setup.method not in _ADAPTED:
        return 0.0, 0.0, 0.0
    roles = target_roles(model, setup.lora_targets)
    kind = "16bit" if setup.adapter_dtype == "bf16" else "autocast" if setup.autocast else "fp32"
    read, write = _ADAPTER_BYTES[kind]
    adapted = [m for m in modules(model) if not set(roles).isdisjoint(m.roles)]
    moved = sum((read * m.d_in + write * m.d_out) * m.count * _chosen(model, m.expert) for m in adapted)
    count = sum(m.count * _chosen(model, m.expert) for m in adapted)
    return float(lora_parameters(model, setup.lora_rank, roles)), moved, count


def _layer_kernels(model: ModelSpec, setup: TrainSetup | None) -> float:
    """Quantised weights take a kernel more for each projection, and an expert several of its own."""
    quantised = setup is not None and setup.weight_dtype not in ("fp32", "bf16", "fp16")
    return _LAYER_KERNELS + (7 if quantised else 0) + _EXPERT_KERNELS * (model.experts or 0)
