"""Foretells the memory of a training run: the advisor's estimate for the settings that training will use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.plan import ADVISOR_NAMES
from finetune import processes
from finetune.objectives import JUDGED, SAMPLING
from finetune.schema import Prediction, TrainConfig

if TYPE_CHECKING:
    from advisor import TrainSetup

logger = logging.getLogger(__name__)


def predicted_memory(config: TrainConfig, longest: int) -> Prediction | None:
    """For rows of at most `longest` tokens; None where the advisor has no formula for the model or method."""
    from advisor import ModelSpec, estimate_memory
    from finetune.processor import trains_in_bf16
    from finetune.weights import resolve_model

    card = _card()
    try:
        base = resolve_model(config.model)
        spec = ModelSpec.from_config(base)
        halves = card is not None or trains_in_bf16(config, base)
        found = estimate_memory(spec, _setup(config, longest, card is not None, halves), gpu=card)
    except ValueError as error:
        logger.info("memory is not predicted: %s", error)
        return None
    # The formulas count activations in 16 bits, as autocast makes them; most processors compute in 32.
    wider = (0.0 if halves else found.parts.get("activations", 0.0)) + _judge_gib(config)
    return Prediction(
        gib=found.allocated_gib + wider,
        low_gib=found.low_gib + wider,
        high_gib=found.high_gib + wider,
        of="in tensors; the interval includes what the allocator and the device take beside them",
    )


def _card() -> str | None:
    """The name of the card that training will use; None on a processor."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _setup(config: TrainConfig, longest: int, card: bool, halves: bool) -> TrainSetup:
    from advisor.limits import method_setup

    # As training runs: on a processor without checkpointing and mostly in fp32, on a card with bf16 autocast.
    checkpointing = config.gradient_checkpointing
    if checkpointing is None:
        checkpointing = card and config.objective != "classify"
    fields: dict[str, Any] = {
        "batch_size": config.batch_size,
        "accumulation": config.accumulation,
        "seq_len": max(1, longest),
        "lora_rank": config.lora_rank,
        "lora_dropout": config.lora_dropout,
        "virtual_tokens": config.virtual_tokens,
        "bottleneck": config.bottleneck,
        "tuned_layers": config.last_layers,
        "gradient_checkpointing": checkpointing,
        "autocast": halves,
        "kbit_upcast": False,
        **_processes(),
    }
    method: Any = ADVISOR_NAMES.get(config.method, config.method)
    if not halves and method != "qlora":
        fields["weight_dtype"] = "fp32"
    if config.objective in SAMPLING:
        from finetune.ppo.settings import policy_settings

        fields["seq_len"] += policy_settings(config).answer_tokens
        # As KTO learns from single answers; PPO's formula counts a reward model of the policy's size.
        return _judged(config, method, fields, "kto", reference=method == "full")
    if config.objective in JUDGED:
        return _judged(config, method, fields, config.objective)
    return method_setup(method, **fields)


def _processes() -> dict[str, Any]:
    """Of several processes, each on its card: whether each holds the whole model or a part of it."""
    if processes.count() == 1:
        return {}
    return {"gpus": processes.count(), "sharding": "fsdp" if processes.is_sharded() else "ddp"}


def _judge_gib(config: TrainConfig) -> float:
    """Of a reward model beside the policy, which is held in fp32; a function of one's own is not counted."""
    if config.objective not in SAMPLING or not Path(str(config.reward)).is_dir():
        return 0.0
    from finetune import read_card
    from finetune.weights import parameter_count, resolve_model

    return 4 * parameter_count(resolve_model(read_card(str(config.reward)).base_model)) / 2**30


def _judged(
    config: TrainConfig, method: str, fields: dict[str, Any], kind: Any, *, reference: bool = False
) -> TrainSetup:
    """Of DPO, KTO and reward models: their reference is asked before the first step, by the model itself. Raises
    ValueError for a method that the advisor has no such formula for."""
    from advisor import TrainSetup

    trained: Any = "lora" if method == "rslora" else method  # another scale of the same tensors
    if trained not in ("full", "lora", "qlora"):
        raise ValueError(f"no formula for {config.objective} with {method}")
    own = {"full": {"weight_dtype": "fp32"}, "qlora": {"weight_dtype": "nf4"}}.get(trained, {})
    return TrainSetup(method=kind, trained_with=trained, reference_model=reference, **{**own, **fields})
