"""Bytes alive while a model answers: weights, adapters, what retrieves, the cache and the prefill; pure."""

from __future__ import annotations

from .setups import ModelSpec, ServeSetup
from .shape import count_parameters, lora_parameters, target_roles, widths
from .states import WEIGHT_BYTES
from .trainable import QUANTISED

_KV_BYTES = {"bf16": 2.0, "fp16": 2.0, "int8": 1.0, "fp8": 1.0}


def serving_parts(model: ModelSpec, setup: ServeSetup) -> dict[str, float]:
    """Weights, adapters, encoders, KV cache of all requests, and the prefill of one of them."""
    for name in ("context_tokens", "concurrent", "adapter_rank"):
        if getattr(setup, name) < 1:
            raise ValueError(f"{name} is {getattr(setup, name)}; give 1 or more.")
    if setup.adapters < 0:
        raise ValueError(f"adapters is {setup.adapters}; give 0 or more.")
    counts = count_parameters(model)
    packed = setup.weight_dtype in QUANTISED
    plain = 2.0 if packed else WEIGHT_BYTES[setup.weight_dtype]
    adapter = lora_parameters(model, setup.adapter_rank, target_roles(model, "all-linear"))
    return {
        "weights": counts.linear * WEIGHT_BYTES[setup.weight_dtype] + (counts.total - counts.linear) * plain,
        "adapters": 2.0 * setup.adapters * adapter,
        "embedder": encoder_bytes(setup.embedder),
        "reranker": encoder_bytes(setup.reranker),
        "kv_cache": _cache_numbers(model, setup) * _KV_BYTES[setup.kv_dtype] * setup.concurrent,
        "activations": plain * _prefill_units(model) * setup.context_tokens + _scores(model, setup),
        "logits": 4.0 * model.vocab * setup.concurrent if model.kind == "decoder" else 0.0,
        "workspace": 2.0 * model.hidden * model.intermediate if packed else 0.0,  # one dequantised linear
    }


def encoder_bytes(model: ModelSpec | str | None) -> float:
    """Sentence encoders and rerankers are kept in fp32. A name is looked up in the catalogue."""
    if isinstance(model, str):
        from .catalog import find_model

        model = find_model(model)
    return 0.0 if model is None else 4.0 * count_parameters(model).total


def _cache_numbers(model: ModelSpec, setup: ServeSetup) -> float:
    """Keys and values of one request; local layers keep no more than their window, MLA one latent vector."""
    _, kv = widths(model)
    per_token = float(model.kv_latent or 2 * kv)
    windowed = min(setup.context_tokens, model.window_tokens or setup.context_tokens)
    whole = (model.layers - model.local_layers) * setup.context_tokens
    return per_token * (whole + model.local_layers * windowed)


def _prefill_units(model: ModelSpec) -> float:
    """Numbers per token alive in one layer of the prefill: residual and norm, gate, up and their product."""
    inner = 3 if model.gated_mlp else 2
    routed = (model.experts_per_token or 1) * (model.expert_intermediate or model.intermediate)
    width = routed + model.shared_intermediate if model.experts else model.intermediate
    return 2 * model.hidden + inner * width


def _scores(model: ModelSpec, setup: ServeSetup) -> float:
    """Eager attention makes all scores at once: in 16 bits, and the softmax in fp32."""
    return 6.0 * model.heads * float(setup.context_tokens) ** 2 if setup.attention == "eager" else 0.0
