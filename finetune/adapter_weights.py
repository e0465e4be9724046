"""Stores what a run trained, and puts it on a freshly loaded base again; peft's adapters in peft's layout, all
others as the trained tensors under their names in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from finetune.adapters import CARD, HEAD, check_base, check_tokenizer, is_whole
from finetune.methods import Method, load_method
from finetune.notices import without_library_warnings
from finetune.schema import AdapterCard, TrainConfig
from finetune.weights import resolve_model, tensors_complete

TRAINED = "trained.safetensors"


def save_adapter(model: Any, method: Method, target: Path) -> None:
    """Writes the trained weights of a model with a frozen base into an existing folder."""
    if not hasattr(model, "peft_config"):
        save_file(_trained(model), target / TRAINED)
        return
    method.finish(model)
    vars(model).pop("save_pretrained", None)  # what only an interrupted run needs is not stored
    # The vocabulary is never changed here; left to itself, peft asks the hub whether it was.
    model.save_pretrained(str(target), save_embedding_layers=False)


def _trained(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: weight.detach().cpu().contiguous()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def load_adapter(model: Any, folder: Path, card: AdapterCard) -> Any:
    """The model with the stored adapter on it, for answering. Raises ValueError in one line."""
    check_complete(folder)
    try:
        load_method(card.method).insert(model, config_of(card))
        if (folder / TRAINED).is_file():
            return _with_trained(model, load_file(folder / TRAINED))
        from peft import PeftModel

        with without_library_warnings():
            return PeftModel.from_pretrained(model, str(folder)).eval()
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = _first_line(error)
        raise ValueError(
            f"The adapter at '{folder}' cannot be loaded beside its {CARD} ({reason})."
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def start_from(model: Any, folder: Path) -> None:
    """Gives an attached method, still to be trained, the weights of an adapter. Raises ValueError in one line."""
    check_complete(folder)
    try:
        if (folder / TRAINED).is_file():
            _copied(model, load_file(folder / TRAINED))
        elif (start := vars(model).get("start_from")) is not None:  # a method's own way, as AdaLoRA's
            start(folder)
        else:
            with without_library_warnings():
                model.load_adapter(str(folder), model.active_adapter, is_trainable=True)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ValueError(f"'{folder}' cannot be gone on from ({_first_line(error)}).") from None


def with_head(model: Any, folder: Path, card: AdapterCard) -> Any:
    """A headed model with what a run trained: an adapter that holds its head, or the head beside a whole model."""
    if not is_whole(card):
        return load_adapter(model, folder, card)
    model.classifier.load_state_dict(load_file(folder / HEAD))
    return model.eval()


def base_under(folder: Path, card: AdapterCard, model: str | None = None) -> Path:
    """Where the weights lie that an adapter stands on, `model` or what its card names; of a whole model its own folder.
    Raises ValueError for others than it was trained on, or for a damaged adapter."""
    base = folder if is_whole(card) else resolve_model(model or card.base_model)
    if not is_whole(card):
        check_base(card, base)
        check_tokenizer(folder, base)
    check_complete(folder)
    return base


def check_complete(folder: Path) -> None:
    """Raises ValueError for weights that are missing, or shorter than their header says."""
    files = list(folder.glob("*.safetensors"))
    if not files:
        raise ValueError(f"'{folder}' holds a card but no weights; copy the whole folder, or train again.")
    for file in files:
        if not tensors_complete(file):
            raise ValueError(f"'{file}' is half-written; copy the whole file, or train the adapter again.")


def _with_trained(model: Any, stored: Mapping[str, torch.Tensor]) -> Any:
    _copied(model, stored)
    return model.requires_grad_(False).eval()


def _copied(model: Any, stored: Mapping[str, torch.Tensor]) -> None:
    weights = dict(model.named_parameters())
    missing = sorted(set(stored) - set(weights))
    if missing:
        raise ValueError(f"the base has no weight named {missing[0]}")
    with torch.no_grad():
        for name, value in stored.items():
            if weights[name].shape != value.shape:
                raise ValueError(f"{name} is {tuple(value.shape)}, in the base {tuple(weights[name].shape)}")
            weights[name].copy_(value)


def config_of(card: AdapterCard) -> TrainConfig:
    """The settings of the run that made an adapter; those that this version does not know are left out."""
    known = {field.name for field in fields(TrainConfig)}
    return TrainConfig(**{name: value for name, value in card.config.items() if name in known})
