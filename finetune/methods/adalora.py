"""AdaLoRA (arXiv 2303.10512): LoRA whose ranks are pruned during training, where they matter least."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import AdaLoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import TrainerCallback

from finetune.methods import frozen
from finetune.methods.lora import targets
from finetune.methods.whole_checkpoints import keep_beside_checkpoints
from finetune.schema import TrainConfig

loading = frozen.loading
START = 1.5  # ranks at the start per rank at the end (section 4.1 of the paper)
# Shares of the run before pruning begins and after it has ended; the paper sets both for each task.
WARM_SHARE, FINAL_SHARE = 0.1, 0.3
AVERAGED = ("exp_avg_ipt", "exp_avg_unc")  # moving averages of each weight's importance


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    target = config.adalora_target_rank
    settings = AdaLoraConfig(
        init_r=max(target + 1, round(START * target)),
        target_r=target,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        total_step=config.max_steps or 1,  # the true number is known when training begins
        tinit=0,
        tfinal=0,
        deltaT=1,
        task_type=task,
        **targets(config, head),
    )
    tuned = get_peft_model(model, settings)
    _score_without_penalty(tuned.base_model)
    keep_beside_checkpoints(tuned, lambda: _state(tuned), lambda state: _restore(tuned, state))
    vars(tuned)["start_from"] = lambda folder: _start_from(tuned, folder)
    return tuned


def _start_from(tuned: Any, folder: Path) -> None:
    """Stored ranks take their places again; those that were pruned begin with weight zero, so that the model
    answers as the stored adapter does."""
    stored = load_file(folder / "adapter_model.safetensors")
    pattern = json.loads((folder / "adapter_config.json").read_text("utf-8")).get("rank_pattern") or {}
    own = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    places = {name.partition(".lora_E")[0].removeprefix("model."): kept for name, kept in pattern.items()}
    for name, value in stored.items():
        kept = next((kept for layer, kept in places.items() if f"{layer}.lora_" in name), None)
        if kept is not None:
            value = _spread(
                value, torch.tensor(kept), own[name], across="lora_B" in name, empty="lora_E" in name
            )
        own[name] = value
    set_peft_model_state_dict(tuned, own)


def _spread(
    value: torch.Tensor, kept: torch.Tensor, fresh: torch.Tensor, *, across: bool, empty: bool
) -> torch.Tensor:
    """`fresh` with the kept ranks of `value` in it; the others zero where `empty`."""
    whole = torch.zeros_like(fresh) if empty else fresh.clone()
    if across:
        whole[:, kept] = value.to(whole)
    else:
        whole[kept] = value.to(whole)
    return whole


def _score_without_penalty(tuner: Any) -> None:
    """peft adds the penalty that keeps the factors orthogonal to every loss, also to that of held-out rows, which
    could then not be compared with another method's."""
    with_penalty = tuner.forward

    def forward(*args: Any, **options: Any) -> Any:
        return with_penalty(*args, **options) if tuner.training else tuner.model.forward(*args, **options)

    tuner.forward = forward


def callbacks(config: TrainConfig) -> list[Any]:
    return [PruneRanks()]


class PruneRanks(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Calls `update_and_allocate` after each optimizer step: neither the Trainer nor trl does, and without it no
    rank is ever pruned."""

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        settings = _settings(model)
        total = max(3, int(state.max_steps))
        settings.total_step = total
        settings.tinit = int(WARM_SHARE * total)
        settings.tfinal = max(1, int(FINAL_SHARE * total))
        settings.deltaT = max(
            1, total // 100
        )  # often enough to follow the schedule, rarely enough to be cheap

    def on_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        # The pattern lives in the settings only while peft needs it there: stored with them, it would shrink the
        # tensors of a checkpoint, which a run that goes on cannot load.
        tuner, settings = _tuner(model), _settings(model)
        settings.rank_pattern = getattr(tuner, "pruned", None)
        tuner.base_model.update_and_allocate(state.global_step + 1)  # global_step counts the finished steps
        tuner.pruned, settings.rank_pattern = settings.rank_pattern, None


def _tuner(model: Any) -> Any:
    """The peft model inside what a trainer or accelerate may have put around it."""
    return model.module if hasattr(model, "module") else model


def _settings(model: Any) -> Any:
    tuner = _tuner(model)
    return tuner.peft_config[tuner.base_model.trainable_adapter_name]


def _state(model: Any) -> dict[str, torch.Tensor]:
    """Importance of each weight, and which ranks were pruned last."""
    allocator = model.base_model.rankallocator
    kept = {f"{kind}|{name}": value for kind in AVERAGED for name, value in getattr(allocator, kind).items()}
    pattern = getattr(model, "pruned", None) or {}
    return kept | {f"pattern|{name}": torch.tensor(rows) for name, rows in pattern.items()}


def _restore(model: Any, state: Mapping[str, torch.Tensor]) -> None:
    allocator = model.base_model.rankallocator
    device = next(model.parameters()).device
    pattern = {}
    for key, value in state.items():
        kind, _, name = key.partition("|")
        if kind == "pattern":
            pattern[name] = value.tolist()
        else:
            getattr(allocator, kind)[name] = value.to(device)
            allocator.ipt[name] = torch.zeros_like(value, device=device)  # peft makes all three or none
    model.pruned = pattern or None


def finish(model: Any) -> None:
    """Lets the ranks that were pruned be left out of what is stored: those whose weight is exactly zero."""
    adapter = model.base_model.trainable_adapter_name
    weights = model.base_model.model.named_parameters()
    pattern = {name: _kept(weight) for name, weight in weights if f"lora_E.{adapter}" in name}
    if not all(all(kept) for kept in pattern.values()):
        _settings(model).rank_pattern = pattern


def _kept(weight: torch.Tensor) -> list[bool]:
    """At least one, of weight zero if need be: peft takes a tensor without ranks for a damaged one."""
    kept: list[bool] = (weight.flatten() != 0).tolist()
    return kept if any(kept) else [True, *kept[1:]]
