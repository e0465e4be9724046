"""IA3 (arXiv 2205.05638): keys, values and the inside of the feed-forward part are scaled by trained vectors."""

from __future__ import annotations

from typing import Any

from peft import IA3Config, get_peft_model
from transformers.pytorch_utils import Conv1D

from finetune.methods import frozen
from finetune.methods.architecture import layers, parts
from finetune.schema import TrainConfig

loading = frozen.loading


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    layer = layers(model)[0]
    found = parts(layer)
    names = {id(part): name for name, part in model.named_modules()}
    scaled, inside = [], []
    for each in layers(model):
        scaled += [names[id(each.get_submodule(name))] for name in found.keys_values]
        inside += [names[id(each.get_submodule(found.feed_forward_out))]]
    settings = IA3Config(
        target_modules=[*scaled, *inside],
        feedforward_modules=inside,
        fan_in_fan_out=isinstance(layer.get_submodule(found.feed_forward_out), Conv1D),
        modules_to_save=[head] if head else None,
        task_type=task,
    )
    return get_peft_model(model, settings)
