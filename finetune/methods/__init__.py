"""METHODS: which part of a model is trained. A new method is one file and one entry here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from finetune.schema import TrainConfig

METHODS = {
    "full": "finetune.methods.full",
    "lora": "finetune.methods.lora",
    "qlora": "finetune.methods.qlora",
}


class Method(Protocol):
    """What a file of this folder offers."""

    def loading(self) -> dict[str, Any]:
        """Arguments for from_pretrained."""

    def attach(self, model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
        """The model to train; `task` is peft's task type, `head` a new module that is trained whole."""


def load_method(name: str) -> Method:
    """The method's module. Raises ValueError naming the alternatives."""
    if name not in METHODS:
        raise ValueError(f"Unknown method '{name}'; choose one of {sorted(METHODS)}.")
    module: Any = import_module(METHODS[name])
    method: Method = module
    return method
