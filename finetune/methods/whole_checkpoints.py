"""Keeps beside each checkpoint what peft leaves out of it and an interrupted run cannot go on without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

FILE = "training_state.safetensors"
State = Mapping[str, torch.Tensor]


def keep_beside_checkpoints(model: Any, read: Callable[[], State], restore: Callable[[State], Any]) -> None:
    """From now on `model.save_pretrained` also writes what `read` returns, and `model.load_adapter` gives it to
    `restore`: the Trainer knows of these two ways alone."""
    save, load = model.save_pretrained, model.load_adapter

    def save_pretrained(folder: str, *args: Any, **options: Any) -> None:
        save(folder, *args, **options)
        state = {name: weight.detach().cpu().contiguous() for name, weight in read().items()}
        if state:
            save_file(state, Path(folder) / FILE)

    def load_adapter(folder: str, *args: Any, **options: Any) -> Any:
        result = load(folder, *args, **options)
        if (Path(folder) / FILE).is_file():
            restore(load_file(Path(folder) / FILE))
        return result

    model.save_pretrained, model.load_adapter = save_pretrained, load_adapter
