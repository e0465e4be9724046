"""Counts what one pass through a model costs: operations, bytes moved outside matrix products, kernels started.

Pure arithmetic on a ModelSpec; how long it takes is asked in duration.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from .setups import ModelSpec
from .shape import widths

# Bytes that transformers' eager kernels read and write per token, forward, in 16 bits.
_NORM = 36.0  # per unit of hidden: upcast, square, mean, scale, downcast, times the weight
_RESIDUAL = 6.0  # read two, write one
_ROTARY = 22.0  # per unit of query and key width: negate and join halves, two products, one sum
_ATTENTION = 2.0  # read q, k, v and write the output once: flash and SDPA
_EAGER_SCORE = 30.0  # per head and pair: scores, mask, softmax in fp32, back to 16 bits, times the values
_GATED, _PLAIN = 10.0, 4.0  # per unit of the MLP's width: activation, product with the gate
_LORA_IN, _LORA_OUT = (
    2.0,
    12.0,
)  # the adapter reads its input; up-projection, scale and sum write the output's width
_LOSS = {
    "stock": 40.0,
    "fused": 16.0,
    "chunked": 8.0,
}  # per token and word: upcast, log-softmax, its gradient
# Kernels of one layer, forward: two norms of six, projections, rotary and attention, residuals, MLP.
_LAYER_KERNELS, _ADAPTER_KERNELS, _EXPERT_KERNELS = 38, 5, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """One forward pass over one row: operations in layers, attention and head, bytes moved, kernels of all layers."""

    linear_flops: float
    attention_flops: float
    head_flops: float
    moved_bytes: float
    loss_bytes: float
    kernels: float

    @property
    def flops(self) -> float:
        return self.linear_flops + self.attention_flops + self.head_flops


def active_linear(model: ModelSpec) -> float:
    """Weights of the layers' linear modules that one token passes: of the experts only those that are chosen."""
    q, kv = widths(model)
    projections = 3 if model.gated_mlp else 2
    attention = model.hidden * (2 * q + 2 * kv)
    dense = projections * model.hidden * model.intermediate
    if not model.experts:
        return float(model.layers * (attention + dense))
    width = (model.experts_per_token or 1) * (model.expert_intermediate or model.intermediate)
    sparse = projections * model.hidden * (width + model.shared_intermediate) + model.hidden * model.experts
    moe_layers = model.layers - model.dense_layers
    return float(model.layers * attention + model.dense_layers * dense + moe_layers * sparse)


def head_weights(model: ModelSpec) -> float:
    """Weights of the output layer; tied ones are multiplied too. Encoders give vectors and have none."""
    return 0.0 if model.kind == "encoder" else float(model.vocab * model.hidden)


def mean_context(model: ModelSpec, row_tokens: int, attention: str = "sdpa") -> float:
    """Keys that a query meets, averaged over the row and summed over the layers."""
    causal = model.kind == "decoder" and attention != "eager"  # eager multiplies by a mask of zeros
    whole = (row_tokens + 1) / 2 if causal else row_tokens
    window = min(whole, model.window_tokens or whole)
    return (model.layers - model.local_layers) * whole + model.local_layers * window


def forward(
    model: ModelSpec,
    row_tokens: int,
    *,
    attention: str = "sdpa",
    loss: str | None = None,
    lora_modules: int = 0,
) -> Forward:
    """One forward pass over a row of `row_tokens`; `loss` None leaves the loss out, `lora_modules` count per layer.

    Multiplying by n weights takes 2n operations a token; attention 4 per unit of query width and key met: two
    products of queries with keys and of scores with values (PaLM, arXiv 2204.02311, appendix B).
    """
    q, _ = widths(model)
    context = mean_context(model, row_tokens, attention)
    head = head_weights(model) if loss is not None else 0.0
    return Forward(
        linear_flops=2 * active_linear(model) * row_tokens,
        attention_flops=4 * q * context * row_tokens,
        head_flops=2 * head * row_tokens,
        moved_bytes=_layer_bytes(model, context, attention, lora_modules) * row_tokens,
        loss_bytes=_LOSS[loss] * model.vocab * row_tokens if loss and head else 0.0,
        kernels=model.layers * _layer_kernels(model, lora_modules),
    )


def _layer_bytes(model: ModelSpec, context: float, attention: str, lora_modules: int) -> float:
    """Bytes per token of all layers; the experts' rows are gathered and scattered, as a wider MLP would move them."""
    q, kv = widths(model)
    width = float(model.intermediate)
    if model.experts:
        width = (model.experts_per_token or 1) * (
            model.expert_intermediate or width
        ) + model.shared_intermediate
    each = (
        _NORM * model.norms_per_layer * model.hidden
        + 2 * _RESIDUAL * model.hidden
        + (_ROTARY * (q + kv) if model.kind == "decoder" and not model.positions else 0.0)
        + _ATTENTION * (2 * q + 2 * kv)
        + (_GATED if model.gated_mlp else _PLAIN) * width
        + lora_modules * (_LORA_IN * model.hidden + _LORA_OUT * (q + kv + width) / 3)
    )
    scores = _EAGER_SCORE * model.heads * context if attention == "eager" else 0.0
    return model.layers * each + scores


def _layer_kernels(model: ModelSpec, lora_modules: int) -> float:
    experts = _EXPERT_KERNELS * model.experts if model.experts else 0
    return _LAYER_KERNELS + _ADAPTER_KERNELS * lora_modules + experts
