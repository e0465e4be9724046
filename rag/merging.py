"""Adds an adapter's stored weights to its base's: LoRA in peft's layout, or weights that were trained in place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.weights import read_tensors

SETTINGS, ADAPTER, TRAINED, HEAD = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "trained.safetensors",
    "head.safetensors",
)
_PEFT, _WRAPPED = "base_model.model.", "encoder."  # before a weight's own name
_HEAD = "classifier."
_MERGE = "merge it first (advisor adapters merge {0} --out MERGED) or train with --method lora"
# Ways of beginning that change the base too: what is stored is then not all that was trained.
_PLAIN_BEGINNINGS = (None, True, False, "gaussian", "eva", "orthogonal")
# What changes the outcome of a merge, beside the tensors.
_TELLING = ("peft_type", "r", "lora_alpha", "use_rslora", "alpha_pattern")


class Head(NamedTuple):
    """One linear layer: `states @ weight.T + bias`; shapes (outputs, width) and (outputs,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class Changed(NamedTuple):
    """The base's weights that an adapter changes, by their names in the base, and its head."""

    weights: dict[str, Any]
    head: Head | None


def changed_weights(base: Mapping[str, Any], folder: Path) -> Changed:
    """What an adapter's folder makes of these weights, in fp32. ValueError in one line for what cannot be added."""
    if (folder / SETTINGS).is_file():
        return _with_lora(base, folder, read_settings(folder))
    if (folder / TRAINED).is_file():
        return _in_place(base, folder, read_tensors(folder / TRAINED))
    raise ValueError(f"{folder} holds a card but no weights; copy the whole folder, or train again.")


def read_settings(folder: Path) -> dict[str, Any]:
    """adapter_config.json. ValueError when it is none."""
    try:
        found = json.loads((folder / SETTINGS).read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{folder / SETTINGS} is damaged; copy the whole folder, or train again.")
    return found


def telling(folder: Path) -> dict[str, Any]:
    """The settings that a hash of an adapter must cover."""
    return {name: value for name, value in read_settings(folder).items() if name in _TELLING}


def read_head(path: Path) -> Head | None:
    """The head beside a whole model; None where there is none."""
    return _head(read_tensors(path), path.parent) if path.is_file() else None


def _with_lora(base: Mapping[str, Any], folder: Path, settings: Mapping[str, Any]) -> Changed:
    _refuse_others(folder, settings)
    if not (folder / ADAPTER).is_file():
        raise ValueError(f"{folder} holds no {ADAPTER}; copy the whole folder, or train again.")
    stored = {name.removeprefix(_PEFT): value for name, value in read_tensors(folder / ADAPTER).items()}
    downs = {name: value for name, value in stored.items() if name.endswith(".lora_A.weight")}
    ups = {name.replace(".lora_A.", ".lora_B."): name for name in downs}
    if missing := next((name for name in ups if name not in stored), None):
        raise ValueError(f"{folder} lacks {missing}; copy the whole folder, or train again.")
    rest = {name: value for name, value in stored.items() if name not in downs and name not in ups}
    changed = _in_place(base, folder, rest)
    for up, down in ups.items():
        module = down.removesuffix(".lora_A.weight")
        name = _name_in(base, f"{module}.weight", folder)
        rank = downs[down].shape[0]
        scale = _alpha(settings, module) / (math.sqrt(rank) if settings.get("use_rslora") else rank)
        delta = np.float32(scale) * _product(stored[up], downs[down], base[name], folder, name)
        changed.weights[name] = base[name] + delta
    return changed


def _refuse_others(folder: Path, settings: Mapping[str, Any]) -> None:
    kind = settings.get("peft_type")
    odd = {
        f"{kind} adapter": kind != "LORA",
        "DoRA adapter": settings.get("use_dora"),
        "LoRA with trained biases": settings.get("bias", "none") != "none" or settings.get("lora_bias"),
        "LoRA over transposed weights": settings.get("fan_in_fan_out"),
        "LoRA whose base was changed too": settings.get("init_lora_weights") not in _PLAIN_BEGINNINGS,
    }
    if found := next((name for name, is_so in odd.items() if is_so), None):
        raise ValueError(f"{folder} holds a {found}, which is not read here; {_MERGE.format(folder)}.")


def _alpha(settings: Mapping[str, Any], module: str) -> float:
    """peft lets a pattern of module names have an alpha of its own."""
    patterns = settings.get("alpha_pattern") or {}
    own = (alpha for pattern, alpha in patterns.items() if re.match(rf"(.*\.)?({pattern})$", module))
    return float(next(own, settings.get("lora_alpha", 1)))


def _product(up: Any, down: Any, weight: Any, folder: Path, name: str) -> Any:
    if (
        up.ndim != 2
        or down.ndim != 2
        or (up.shape[0], up.shape[1], down.shape[1])
        != (
            weight.shape[0],
            down.shape[0],
            weight.shape[1],
        )
    ):
        raise ValueError(
            f"{folder} does not fit its base: {up.shape} x {down.shape} for {name}, which is {weight.shape}."
        )
    return up @ down


def _in_place(base: Mapping[str, Any], folder: Path, stored: Mapping[str, Any]) -> Changed:
    """Weights that stand for the base's own; those of the head go apart."""
    found = {}
    for name, value in stored.items():
        if name.startswith(_HEAD):
            continue
        own = _name_in(base, name, folder)
        if value.shape != base[own].shape:
            raise ValueError(
                f"{folder} does not fit its base: {own} is {value.shape}, in the base {base[own].shape}."
            )
        found[own] = value
    return Changed(found, _head(stored, folder))


def _name_in(base: Mapping[str, Any], name: str, folder: Path) -> str:
    """A weight's name in the base; in training the base stands as `encoder` beside its head."""
    for own in (name, name.removeprefix(_WRAPPED)):
        if own in base:
            return own
    raise ValueError(f"{folder} holds {name}, which its base lacks; {_MERGE.format(folder)}.")


def _head(stored: Mapping[str, Any], folder: Path) -> Head | None:
    plain = {name.removeprefix(_HEAD): value for name, value in stored.items()}
    if "weight" not in plain:
        return None
    weight = plain["weight"]
    bias = plain.get("bias", np.zeros(len(weight), np.float32))
    if weight.ndim != 2 or bias.shape != weight.shape[:1]:
        raise ValueError(f"{folder} holds a head of {weight.shape} with a bias of {bias.shape}.")
    return Head(weight, bias)
