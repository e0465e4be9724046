"""METHODS: which part of a model is trained. A new method is one file and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from finetune.methods import refusals
from finetune.methods.refusals import Rule
from finetune.schema import TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A method before anything is imported: its file, what it refuses, and what its result can do."""

    module: str
    refuses: tuple[Rule, ...] = ()
    merges: bool = False  # its result can be added to the base's weights, exactly
    whole: bool = False  # it leaves a whole model instead of an adapter
    virtual_tokens: bool = False  # it lengthens every row, or reads a cache: rows cannot share a sequence


_LORA = "finetune.methods.lora"
_SELECTIVE = "finetune.methods.selective"
_PROMPTS = "finetune.methods.prompts"
METHODS = {
    "full": Entry(module="finetune.methods.full", merges=True, whole=True),
    "features": Entry(module="finetune.methods.features", refuses=(refusals.labels_only,), merges=True),
    "output_layer": Entry(module=_SELECTIVE, refuses=(refusals.no_output,), merges=True),
    "last_layers": Entry(module=_SELECTIVE, refuses=(refusals.shared_layers,), merges=True),
    "bitfit": Entry(module=_SELECTIVE, refuses=(refusals.no_biases,), merges=True),
    "houlsby": Entry(module="finetune.methods.houlsby", refuses=(refusals.experts, refusals.shared_layers)),
    "lora": Entry(module=_LORA, merges=True),
    "rslora": Entry(module=_LORA, merges=True),
    "dora": Entry(module=_LORA, refuses=(refusals.expert_directions,), merges=True),
    "adalora": Entry(module="finetune.methods.adalora", merges=True),
    "qlora": Entry(module="finetune.methods.qlora", merges=True),
    "ia3": Entry(module="finetune.methods.ia3", refuses=(refusals.experts,), merges=True),
    "oft": Entry(module="finetune.methods.oft", refuses=(refusals.no_linear,), merges=True),
    "prompt": Entry(module=_PROMPTS, virtual_tokens=True),
    "p_tuning": Entry(module=_PROMPTS, virtual_tokens=True),
    "prefix": Entry(module=_PROMPTS, refuses=(refusals.no_cache,), virtual_tokens=True),
    "p_tuning_v2": Entry(module=_PROMPTS, refuses=(refusals.no_cache,), virtual_tokens=True),
    "llama_adapter": Entry(module="finetune.methods.adaption", refuses=(refusals.no_adaption,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What a method's file offers; all but `loading` and `attach` may be left out of it.

    `loading()`: arguments for from_pretrained. `attach(model, config, task=, head=)`: the model to train; `task`
    is peft's task type, `head` a new module that is trained whole. `callbacks(config)`: transformers callbacks
    that a run needs. `arguments(config, given)`: the trainer's arguments as this method needs them, and notes on
    what was changed. `fit(trainer)`: trains otherwise than by gradients. `insert(model, config)`: what has
    to be done to a base before stored weights are loaded onto it. `finish(model)`: readies a trained model
    for being stored.
    """

    loading: Callable[[], dict[str, Any]]
    attach: Callable[..., Any]
    callbacks: Callable[[TrainConfig], list[Any]]
    arguments: Callable[[TrainConfig, dict[str, Any]], tuple[dict[str, Any], tuple[str, ...]]]
    fit: Callable[[Any], tuple[float, float]] | None
    insert: Callable[[Any, TrainConfig], None]
    finish: Callable[[Any], None]


def entry(name: str) -> Entry:
    """The method's entry. Raises ValueError naming the nearest and all others."""
    if name not in METHODS:
        near = get_close_matches(name, METHODS, n=1)
        guess = f" (near: {near[0]})" if near else ""
        raise ValueError(f"Unknown method '{name}'{guess}; choose one of {sorted(METHODS)}.")
    return METHODS[name]


def load_method(name: str) -> Method:
    """The method, its file imported. Raises ValueError naming the alternatives."""
    module = import_module(entry(name).module)
    return Method(
        loading=module.loading,
        attach=module.attach,
        callbacks=getattr(module, "callbacks", _no_callbacks),
        arguments=getattr(module, "arguments", _as_given),
        fit=getattr(module, "fit", None),
        insert=getattr(module, "insert", _nothing_to_insert),
        finish=getattr(module, "finish", _as_it_is),
    )


def _no_callbacks(config: TrainConfig) -> list[Any]:
    return []


def _as_given(config: TrainConfig, given: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    return given, ()


def _nothing_to_insert(model: Any, config: TrainConfig) -> None:
    return None


def _as_it_is(model: Any) -> None:
    return None
