"""A model whose weights are spread over the processes of a run (FSDP2), so that no device has to hold all of them.

transformers spreads it while it reads it: accelerate's own way, which its launcher asks for, has every process read
the whole model first, knows no processors, and stores checkpoints that no single process can read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from finetune import processes

OPTIMIZER, SCHEDULER = "optimizer.pt", "scheduler.pt"  # the Trainer's names


def spread_loading() -> dict[str, Any]:
    """Arguments of from_pretrained; none where every process holds a whole model.

    Raises ImportError for a transformers that cannot.
    """
    if not processes.is_sharded():
        return {}
    try:
        from transformers.distributed.configuration_utils import DistributedConfig

        offload = os.environ.get("FSDP_OFFLOAD_PARAMS", "").lower() == "true"
        return {
            "distributed_config": DistributedConfig(fsdp_size=processes.count(), fsdp_cpu_offload=offload)
        }
    except (ImportError, TypeError):
        raise ImportError(
            "Spreading a model over devices needs a newer transformers; run pip install 'transformers>=5.23'."
        ) from None


def freeze_first(base: Any, method: str) -> None:
    """Before the first pass over a spread base: what FSDP gathers keeps for good whether it is trained."""
    if processes.is_sharded() and method != "full":
        base.requires_grad_(False)


def forget_gathered(model: Any) -> None:
    """After passes without gradients, at whose end FSDP keeps some weights gathered: later ones would be read from
    there, and not as they were trained."""
    if not processes.is_sharded():
        return
    from torch.distributed.fsdp import FSDPModule

    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def keep_whole_checkpoints(trainer: Any) -> None:
    """Has checkpoints hold what a run that goes on needs, and whole tensors of a model that is trained as a whole: left
    to itself the Trainer stores one process's part of the optimizer, and cannot load whole weights into parts."""
    trainer.args.save_only_model = False
    forget_gathered(trainer.model)  # the optimizer is to find the parts, not what was gathered of them

    def load_weights(folder: str, model: Any = None) -> None:
        forget_gathered(trainer.model)
        _load_weights(trainer.model, Path(folder))

    trainer._load_from_checkpoint = load_weights
    if not all(weight.requires_grad for weight in trainer.model.parameters()):
        return  # an adapter lies whole in every process, and so does its optimizer
    save, load = trainer._save_optimizer_and_scheduler, trainer._load_optimizer_and_scheduler

    def save_optimizer(folder: str) -> None:
        save(folder)
        _save_optimizer(trainer, Path(folder))

    def load_optimizer(folder: str | None) -> None:
        if folder is None:
            load(folder)
        else:
            _load_optimizer(trainer, Path(folder))

    trainer._save_optimizer_and_scheduler = save_optimizer
    trainer._load_optimizer_and_scheduler = load_optimizer


def _save_optimizer(trainer: Any, folder: Path) -> None:
    """As a single process stores it."""
    found = _plain(trainer.optimizer).state_dict()
    # Every process takes part in gathering each tensor.
    whole = {
        weight: {name: _whole(value) for name, value in state.items()}
        for weight, state in found["state"].items()
    }
    if processes.is_first():
        torch.save({**found, "state": whole}, folder / OPTIMIZER)


def _load_optimizer(trainer: Any, folder: Path) -> None:
    optimizer = _plain(trainer.optimizer)
    found = torch.load(folder / OPTIMIZER, weights_only=True, map_location="cpu")
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for at, state in found["state"].items():
        found["state"][at] = {name: _part(value, weights[at]) for name, value in state.items()}
    optimizer.load_state_dict(found)
    trainer.lr_scheduler.load_state_dict(torch.load(folder / SCHEDULER, weights_only=True))


def _load_weights(model: Any, folder: Path) -> None:
    # peft leaves an adapter's name out of those of its stored weights.
    adapter = f".{getattr(model, 'active_adapter', '')}"
    weights = {
        name.replace(f"{adapter}.", "."): weight
        for name, weight in model.named_parameters(remove_duplicate=False)
    }
    with torch.no_grad():
        for file in sorted(folder.glob("*.safetensors")):
            for name, value in load_file(file).items():
                weights[name].copy_(_part(value, weights[name]))


def _whole(value: Any) -> Any:
    return value.full_tensor().cpu() if hasattr(value, "full_tensor") else value


def _part(value: Any, weight: Any) -> Any:
    """This process's part of a tensor that belongs to a weight; what has another shape, such as a count, is left."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if isinstance(weight, DTensor) and value.shape == weight.shape:
        return distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements)
    return value


def _plain(optimizer: Any) -> Any:
    """Without what accelerate put around it."""
    return getattr(optimizer, "optimizer", optimizer)
