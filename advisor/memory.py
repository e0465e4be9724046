"""Memory of one training step or of serving, from first principles: pure formulas, no file, clock or GPU.

Bytes per weight, tensors kept per token and the moments of the peak follow from what PyTorch, transformers, peft and
bitsandbytes do; no constant is fitted to measured rows. States stand in states.py, activations in activations.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from .moments import training_parts
from .serving import serving_parts
from .setups import MemoryEstimate, ModelSpec, ServeSetup, TrainSetup
from .shape import resolved

GIB = 2.0**30

# What is not a tensor: the CUDA context. 141 MiB measured on a T4, 300 to 600 MiB often quoted: the middle.
_CONTEXT_GIB = {"T4": 141 / 1024}
_CONTEXT_DEFAULT_GIB, _CONTEXT_HIGH_GIB = 0.4, 0.6
# Reserved by the caching allocator beyond what lives: 4 to 38 % where blocks come and go, least where all batches have
# one length; weights lie snugly.
_GAP, _GAP_HIGH = 0.10, 0.38
_FORMULA_ERROR = 0.06  # half of all published measurements lie within 5.9 % of these formulas
# What has one size for the whole run leaves no gaps.
_SNUG = ("weights", "adapters", "optimizer", "workspace", "kv_cache", "embedder", "reranker")


def estimate_memory(
    model: ModelSpec, setup: TrainSetup | ServeSetup, gpu: str | None = None
) -> MemoryEstimate:
    """Peak memory of one card in GiB: tensors, reserved by the allocator, and on the device, with an interval.

    `gpu` names the card where its context was measured. Raises ValueError for a setup that makes no sense.
    """
    model = resolved(model)
    if isinstance(setup, ServeSetup):
        return _estimate(serving_parts(model, setup), "serving", gpu)
    parts, moment = training_parts(model, setup)
    return _estimate(parts, "step" if moment == "step" else "backward", gpu)


def _estimate(parts: Mapping[str, float], peak: str, gpu: str | None) -> MemoryEstimate:
    gib = {name: size / GIB for name, size in parts.items()}
    allocated = sum(gib.values())
    moving = allocated - sum(gib.get(name, 0.0) for name in _SNUG)
    context = next((size for name, size in _CONTEXT_GIB.items() if gpu and name in gpu), _CONTEXT_DEFAULT_GIB)
    reserved = allocated + _GAP * moving
    at_worst = moving + gib.get("workspace", 0.0)
    return MemoryEstimate(
        allocated_gib=allocated,
        reserved_gib=reserved,
        device_gib=reserved + context,
        low_gib=allocated * (1 - _FORMULA_ERROR),
        high_gib=allocated * (1 + _FORMULA_ERROR) + _GAP_HIGH * at_worst + max(context, _CONTEXT_HIGH_GIB),
        parts={**gib, "context": context},
        peak=peak,  # type: ignore[arg-type]
    )
