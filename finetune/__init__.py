"""Trains language models and encoders on examples, and answers with what was trained."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from finetune.schema import AdapterCard, Example, TrainConfig, TrainResult

if TYPE_CHECKING:
    from finetune.adapters import check_base, list_adapters, read_card
    from finetune.formats import load_examples
    from finetune.generate import load_generator
    from finetune.predict import Classifier, load_classifier
    from finetune.stopping import TrainingInterrupted
    from finetune.training import train

__all__ = [
    "AdapterCard",
    "Classifier",
    "Example",
    "TrainConfig",
    "TrainResult",
    "TrainingInterrupted",
    "check_base",
    "list_adapters",
    "load_classifier",
    "load_examples",
    "load_generator",
    "read_card",
    "train",
]

# Loaded on first use: generate, predict and training import torch.
_LAZY = {
    "Classifier": "finetune.predict",
    "TrainingInterrupted": "finetune.stopping",
    "check_base": "finetune.adapters",
    "list_adapters": "finetune.adapters",
    "load_classifier": "finetune.predict",
    "load_examples": "finetune.formats",
    "load_generator": "finetune.generate",
    "read_card": "finetune.adapters",
    # Not finetune/train.py: importing a submodule of that name would hide the function behind the module.
    "train": "finetune.training",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'finetune' has no attribute {name!r}")
