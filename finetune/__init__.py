"""Trains language models and encoders on examples, and answers with what was trained."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from finetune.schema import AdapterCard, Example, TrainConfig, TrainResult

if TYPE_CHECKING:
    from finetune.adapters import check_base, list_adapters, read_card
    from finetune.combine import combine_adapters
    from finetune.data_report import DataReport, check_data
    from finetune.embed_predict import SentenceEmbedder, load_sentence_embedder
    from finetune.export import export_adapter
    from finetune.formats import load_examples
    from finetune.generate import load_generator
    from finetune.merge import merge_adapter
    from finetune.predict import Classifier, load_classifier
    from finetune.reward_model import RewardModel, load_reward_model
    from finetune.span_reader import SpanReader, load_span_reader
    from finetune.stopping import TrainingInterrupted
    from finetune.support import why_not
    from finetune.tenants import load_tenants
    from finetune.training import train

__all__ = [
    "AdapterCard",
    "DataReport",
    "Classifier",
    "Example",
    "RewardModel",
    "SentenceEmbedder",
    "SpanReader",
    "TrainConfig",
    "TrainResult",
    "TrainingInterrupted",
    "check_base",
    "check_data",
    "combine_adapters",
    "export_adapter",
    "list_adapters",
    "load_classifier",
    "load_examples",
    "load_generator",
    "load_reward_model",
    "load_sentence_embedder",
    "load_span_reader",
    "load_tenants",
    "merge_adapter",
    "read_card",
    "train",
    "why_not",
]

# Loaded on first use: generate, predict and training import torch.
_LAZY = {
    "Classifier": "finetune.predict",
    "RewardModel": "finetune.reward_model",
    "SentenceEmbedder": "finetune.embed_predict",
    "SpanReader": "finetune.span_reader",
    "TrainingInterrupted": "finetune.stopping",
    "DataReport": "finetune.data_report",
    "check_base": "finetune.adapters",
    "check_data": "finetune.data_report",
    "combine_adapters": "finetune.combine",
    "export_adapter": "finetune.export",
    "list_adapters": "finetune.adapters",
    "load_classifier": "finetune.predict",
    "load_examples": "finetune.formats",
    "load_generator": "finetune.generate",
    "load_reward_model": "finetune.reward_model",
    "load_sentence_embedder": "finetune.embed_predict",
    "load_span_reader": "finetune.span_reader",
    "load_tenants": "finetune.tenants",
    "merge_adapter": "finetune.merge",
    "read_card": "finetune.adapters",
    # Not finetune/train.py: importing a submodule of that name would hide the function behind the module.
    "train": "finetune.training",
    "why_not": "finetune.support",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'finetune' has no attribute {name!r}")
