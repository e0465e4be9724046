"""Bytes per parameter that weights, gradients and optimizer states take on one card, sharded or not; pure."""

from __future__ import annotations

from dataclasses import dataclass

from .setups import TrainSetup

# Bytes per quantised or plain weight. NF4: 4 bits + one fp32 absmax per block of 64 (QLoRA, arXiv 2305.14314);
# double quantisation: absmax in 8 bits + one fp32 per 256 blocks; GPTQ g128: fp16 scale and 4-bit zero per 128;
# int8: one fp32 scale per row, which is negligible.
WEIGHT_BYTES = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "int8": 1.0,
    "nf4": 0.5 + 4 / 64,
    "nf4-dq": 0.5 + 1 / 64 + 4 / (64 * 256),
    "gptq": 0.5 + 2.5 / 128,
}
_EIGHT_BIT = (
    2.0 + 2 * 4 / 256
)  # two moments of a byte each and an fp32 absmax per block of 256 (bitsandbytes)
_SHARDS_WEIGHTS = ("zero3", "fsdp", "cpu_offload")
# DeepSpeed, "Memory requirements": ZeRO-2 takes 4 bytes per parameter on each card and 16 shared between the cards,
# ZeRO-3 18 shared and 4 bytes for each parameter of the largest layer. Both keep fp32 master weights.
_ZERO2_SHARED, _ZERO3_SHARED = 16.0, 18.0
# transformers, "DeepSpeed integration": overlapped communication takes 4.5 times its buckets, here one of 2e8 numbers
# in 16 bits as in the configuration shown there, or all that is trained; ZeRO-3 keeps up to 1e9 gathered ones alive.
_BUCKET_WIDTH, _BUCKET, _LIVE_PARAMETERS = 4.5 * 2, 2e8, 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Bytes per trained parameter on one card."""

    weight: float
    gradient: float
    optimizer: float
    step: float  # made and dropped within the optimizer's step


def trained_widths(setup: TrainSetup, width: float) -> Widths:
    """For parameters that are kept in `width` bytes. Raises ValueError for a sharding that one card cannot do."""
    if setup.gpus < 1:
        raise ValueError(f"gpus is {setup.gpus}; give 1 or more.")
    optimizer = _optimizer_bytes(setup, width)
    step = width if setup.optimizer == "adamw_foreach" else 0.0  # the roots of all second moments at once
    cards = setup.gpus
    if setup.sharding == "none":
        return Widths(weight=width, gradient=width, optimizer=optimizer, step=step)
    if setup.sharding == "ddp":  # the reducer keeps its buckets beside the gradients
        return Widths(weight=width, gradient=2 * width, optimizer=optimizer, step=step)
    if (
        setup.sharding == "cpu_offload"
    ):  # states and masters wait in host memory; gradients leave layer by layer
        return Widths(weight=0.0, gradient=0.0, optimizer=0.0, step=0.0)
    if setup.sharding == "zero2":
        return Widths(weight=2.0, gradient=2.0, optimizer=_ZERO2_SHARED / cards, step=0.0)
    if setup.sharding == "zero3":
        return Widths(
            weight=2.0 / cards, gradient=2.0 / cards, optimizer=(_ZERO3_SHARED - 4) / cards, step=0.0
        )
    return Widths(
        weight=width / cards, gradient=width / cards, optimizer=optimizer / cards, step=step / cards
    )


def frozen_share(setup: TrainSetup) -> float:
    """Share of the frozen weights that lies on one card."""
    if setup.sharding == "cpu_offload":
        return 0.0
    return 1.0 / setup.gpus if setup.sharding in _SHARDS_WEIGHTS else 1.0


def exchange_bytes(setup: TrainSetup, parameters: float, trained: float, layer_bytes: float) -> float:
    """What lies on a card only because weights and gradients are exchanged with other cards or with the host."""
    if setup.sharding == "zero2":
        return _BUCKET_WIDTH * min(trained, _BUCKET)
    if setup.sharding == "zero3":
        return 2.0 * min(parameters, _LIVE_PARAMETERS)
    if setup.sharding == "cpu_offload" or (setup.sharding == "fsdp" and setup.gpus > 1):
        return 2.0 * layer_bytes  # the layer that runs and the next one, fetched ahead
    return 0.0


def _optimizer_bytes(setup: TrainSetup, width: float) -> float:
    """Adam keeps two moments, here in the dtype of the weights unless told otherwise, then with fp32 masters too."""
    moment = {"auto": width, "fp32": 4.0, "bf16": 2.0}[setup.optimizer_dtype]
    master = 4.0 if setup.optimizer_dtype == "fp32" and width < 4 else 0.0
    if setup.optimizer in ("adamw", "adamw_fused", "adamw_foreach"):
        return 2 * moment + master
    if setup.optimizer == "adamw_8bit":
        return _EIGHT_BIT
    # Paged states lie in managed memory, which leaves the card when room is needed; factored moments and plain SGD
    # keep next to nothing.
    return 0.0
