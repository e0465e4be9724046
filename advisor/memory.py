"""Memory of one training step or of serving, from first principles: pure formulas, no file, clock or GPU.

Bytes per weight, activations saved per token and the moments of the peak follow from what PyTorch, transformers, peft
and bitsandbytes keep; no constant is fitted to measured rows.
"""

from __future__ import annotations

from .schema import MemoryEstimate, ModelSpec, ServeSetup, TrainSetup
from .shape import Counts, count_parameters, lora_parameters, target_roles, widths

GIB = 2.0**30

# Bytes per quantised or plain weight. NF4: 4 bits + one fp32 absmax per block of 64 (QLoRA, arXiv 2305.14314);
# double quantisation: absmax in 8 bits + one fp32 per 256 blocks; GPTQ g128: fp16 scale and 4-bit zero per 128;
# int8: one fp32 scale per row, which is negligible.
_WEIGHT_BYTES = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "int8": 1.0,
    "nf4": 0.5 + 4 / 64,
    "nf4-dq": 0.5 + 1 / 64 + 4 / (64 * 256),
    "gptq": 0.5 + 2.5 / 128,
}
_QUANTISED = {"int8", "nf4", "nf4-dq", "gptq"}
# Stock loss: 16-bit logits, their fp32 copy, log-softmax and its gradient. Fused kernels keep two thirds of it.
_LOGITS_BYTES = {"stock": 14.0, "fused": 9.0, "chunked": 0.0}
_EAGER_SCORE_BYTES = 7.0  # scores, softmax in fp32, dropout mask per head and pair of positions: 5 to 9
# What is not a tensor: the CUDA context. 141 MiB measured on a T4, 300 to 600 MiB often quoted: the middle.
_CONTEXT_GIB = {"T4": 141 / 1024}
_CONTEXT_DEFAULT_GIB, _CONTEXT_HIGH_GIB = 0.4, 0.6
# Reserved by the caching allocator beyond what lives: 4 to 38 % where blocks come and go; weights lie snugly.
_GAP_LOW, _GAP, _GAP_HIGH = 0.04, 0.15, 0.38
_FORMULA_ERROR = 0.06  # half of all published measurements lie within 5.9 % of these formulas


def estimate_memory(
    model: ModelSpec, setup: TrainSetup | ServeSetup, gpu: str | None = None
) -> MemoryEstimate:
    """Peak memory of one card in GiB: tensors, reserved by the allocator, and on the device, with an interval.

    `gpu` names the card where its context was measured. Raises ValueError for a setup that makes no sense.
    """
    if isinstance(setup, ServeSetup):
        parts, peak = _serving(model, setup), "serving"
    else:
        parts, peak = _training(model, setup)
    return _estimate(parts, peak, gpu)


def _training(model: ModelSpec, setup: TrainSetup) -> tuple[dict[str, float], str]:
    """Bytes alive at the higher of two moments: the optimizer step, or the forward and backward pass."""
    _check(setup.batch_size, setup.seq_len, setup.lora_rank)
    counts = count_parameters(model)
    full = setup.method == "full"
    roles = () if full else target_roles(model, setup.lora_targets)
    trainable = counts.total if full else lora_parameters(model, setup.lora_rank, roles)
    width = _WEIGHT_BYTES[setup.weight_dtype] if full else (4.0 if setup.adapter_dtype == "fp32" else 2.0)
    held = {
        "weights": _weight_bytes(counts, setup),
        "adapters": 0.0 if full else trainable * width,
        "optimizer": trainable * _state_bytes(setup.optimizer, width),
    }
    moments = _moments(model, setup, counts, trainable * width)
    moments["step"]["workspace"] = trainable * _step_temporaries(setup.optimizer, width)
    peak = max(moments, key=lambda moment: sum(moments[moment].values()))
    return {**held, **moments[peak]}, "step" if peak == "step" else "backward"


def _moments(
    model: ModelSpec, setup: TrainSetup, counts: Counts, gradients: float
) -> dict[str, dict[str, float]]:
    """What lives beside weights and optimizer states at the loss, on entering and on leaving the backward pass."""
    saved, layer, logits = _pass_bytes(model, setup)
    early = (
        0.0  # the first gradients of the backward pass are those of the head, beside the whole of the logits
    )
    if setup.method == "full" and setup.loss_kernel != "chunked":
        early = gradients * (counts.head or counts.embedding) / counts.total
    recomputed = layer if setup.gradient_checkpointing else 0.0
    workspace = _working_copies(model, setup, counts)
    return {
        "loss": {"activations": saved, "logits": logits, "gradients": early, "workspace": workspace},
        "enter": {
            "activations": saved + recomputed,
            "logits": 0.0,
            "gradients": early,
            "workspace": workspace,
        },
        "leave": {"activations": layer, "logits": 0.0, "gradients": gradients, "workspace": 0.0},
        "step": {"activations": 0.0, "logits": 0.0, "gradients": gradients, "workspace": 0.0},
    }


def _check(*values: int) -> None:
    if min(values) < 1:
        raise ValueError(f"Batch size, sequence length and rank must be at least 1, not {min(values)}.")


def _train_dtype(setup: TrainSetup) -> str:
    """The dtype that the base is stored in; 'qlora' with a 16-bit dtype means NF4."""
    if setup.method == "qlora" and setup.weight_dtype not in _QUANTISED:
        return "nf4"
    if setup.method == "full" and setup.weight_dtype in _QUANTISED:
        raise ValueError(
            f"Full tuning cannot train {setup.weight_dtype} weights; choose bf16 or fp32, or qlora."
        )
    return setup.weight_dtype


def _weight_bytes(counts: Counts, setup: TrainSetup) -> float:
    dtype = _train_dtype(setup)
    other = counts.total - counts.linear
    if dtype not in _QUANTISED:
        return counts.total * _WEIGHT_BYTES[dtype]
    # peft's prepare_model_for_kbit_training turns what is not quantised (embeddings, head, norms) into fp32.
    return counts.linear * _WEIGHT_BYTES[dtype] + other * (4.0 if setup.kbit_upcast else 2.0)


def _state_bytes(optimizer: str, width: float) -> float:
    """Adam keeps two moments in the dtype of its parameters; in 8 bits, two bytes and their block scales."""
    return {"adamw": 2 * width, "adamw_fused": 2 * width, "adamw_8bit": 2 + 2 * 4 / 256, "sgd": 0.0}[
        optimizer
    ]


def _step_temporaries(optimizer: str, width: float) -> float:
    """The foreach step makes the square roots of all second moments at once; the fused one makes nothing."""
    return width if optimizer == "adamw" else 0.0


def _working_copies(model: ModelSpec, setup: TrainSetup, counts: Counts) -> float:
    """16-bit copies of weights: one dequantised linear at a time, or under AMP every fp32 linear that is trained."""
    if _train_dtype(setup) in _QUANTISED:
        return 2.0 * model.hidden * model.intermediate
    if setup.method == "full" and setup.weight_dtype == "fp32":
        return 2.0 * counts.linear  # autocast keeps its casts of leaf weights until the step ends
    return 0.0


def _pass_bytes(model: ModelSpec, setup: TrainSetup) -> tuple[float, float, float]:
    """Bytes saved through the forward pass, the working set of one layer, and the logits with their loss."""
    tokens = setup.batch_size * setup.seq_len
    scores = 0.0
    if setup.attention == "eager":
        scores = setup.batch_size * model.heads * setup.seq_len**2 * _EAGER_SCORE_BYTES
    layer = (
        tokens * 2.0 * _layer_units(model) + scores
    )  # 16-bit activations: bf16 weights, or AMP on fp32 ones
    if setup.gradient_checkpointing:
        saved = 2.0 * model.layers * tokens * model.hidden
    else:
        saved = model.layers * (tokens * 2.0 * _saved_units(model, setup) + scores)
    vocab = model.vocab if model.kind == "decoder" else 0
    return saved, layer, _LOGITS_BYTES[setup.loss_kernel] * tokens * vocab


def _layer_units(model: ModelSpec) -> float:
    """16-bit numbers per token alive while one layer runs forward and backward again."""
    q, kv = widths(model)
    return 12 * model.hidden + 3 * q + kv + (3 if model.gated_mlp else 2) * model.intermediate


def _saved_units(model: ModelSpec, setup: TrainSetup) -> float:
    """16-bit numbers per token and layer that autograd saves without checkpointing.

    Two norms keep their input in fp32 (4h) and, where trained, the normalised value (2h); the projections behind them
    keep their input (2h); attention keeps q, k, v and its output; a gated MLP its gate, activation, up and product.
    """
    q, kv = widths(model)
    norms = 8 if setup.method == "full" else 6
    inner = 4 if model.gated_mlp else 2
    return norms * model.hidden + 2 * q + 2 * kv + inner * model.intermediate


def _serving(model: ModelSpec, setup: ServeSetup) -> dict[str, float]:
    """Weights, adapters, embedder, KV cache of all requests, and the prefill of one of them."""
    _check(setup.context_tokens, setup.concurrent, setup.adapter_rank)
    counts = count_parameters(model)
    q, kv = widths(model)
    other = counts.total - counts.linear
    quantised = setup.weight_dtype in _QUANTISED
    plain = 2.0 if quantised else _WEIGHT_BYTES[setup.weight_dtype]
    cached = setup.context_tokens * setup.concurrent
    mlp = (3 if model.gated_mlp else 2) * model.intermediate
    return {
        "weights": counts.linear * _WEIGHT_BYTES[setup.weight_dtype] + other * plain,
        "adapters": 2.0
        * setup.adapters
        * lora_parameters(model, setup.adapter_rank, target_roles(model, "all-linear")),
        "embedder": _encoder_bytes(setup.embedder),
        "reranker": _encoder_bytes(setup.reranker),
        "kv_cache": 2.0 * model.layers * kv * (1.0 if setup.kv_dtype == "int8" else 2.0) * cached,
        "activations": 2.0 * (2 * model.hidden + mlp) * setup.context_tokens,
        "logits": 4.0 * model.vocab * setup.concurrent if model.kind == "decoder" else 0.0,
        "workspace": 2.0 * model.hidden * model.intermediate if quantised else 0.0,
    }


def _encoder_bytes(model: ModelSpec | str | None) -> float:
    """Sentence encoders are kept in fp32."""
    if isinstance(model, str):
        from .catalog import find_model

        model = find_model(model)
    return 0.0 if model is None else 4.0 * count_parameters(model).total


def _estimate(parts: dict[str, float], peak: str, gpu: str | None) -> MemoryEstimate:
    gib = {name: size / GIB for name, size in parts.items()}
    snug = sum(gib.get(name, 0.0) for name in ("weights", "adapters", "optimizer", "embedder"))
    allocated = sum(gib.values())
    context = next((size for name, size in _CONTEXT_GIB.items() if gpu and name in gpu), _CONTEXT_DEFAULT_GIB)
    moving = allocated - snug
    reserved = allocated + _GAP * moving
    high = allocated * (1 + _FORMULA_ERROR) + _GAP_HIGH * moving + max(context, _CONTEXT_HIGH_GIB)
    return MemoryEstimate(
        allocated_gib=allocated,
        reserved_gib=reserved,
        device_gib=reserved + context,
        low_gib=allocated * (1 - _FORMULA_ERROR) + _GAP_LOW * moving,
        high_gib=high,
        parts={**gib, "context": context},
        peak=peak,  # type: ignore[arg-type]
    )
