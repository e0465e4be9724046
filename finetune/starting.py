"""Lets a run go on from an adapter that was trained before: its method and shape count, and its weights are the
first ones."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any

from finetune.adapters import check_base, check_tokenizer, is_whole, read_card
from finetune.schema import AdapterCard, TrainConfig
from finetune.weights import weights_hash

# What an adapter's weights are shaped by.
SHAPE = (
    *("method", "lora_rank", "lora_alpha", "lora_targets", "adalora_target_rank", "oft_block", "bottleneck"),
    *("last_layers", "virtual_tokens", "prompt_start", "prompt_text", "prompt_encoder", "prompt_hidden"),
)
LABELLING = (
    "classify",
    "embed",
    "rerank",
    "reward",
    "span_qa",
)  # objectives whose result holds a head of its own
KEPT = ("embed", "span_qa")  # whose head is the same for all rows, so that another run can go on with it


def with_shape(config: TrainConfig) -> TrainConfig:
    """The settings with the method and shape of `config.adapter`'s card. Raises ValueError where others are given.

    What a setting is by default counts as not given.
    """
    if config.adapter is None:
        return config
    card = read_card(config.adapter)
    _check_kind(card, config)
    usual = {field.name: _default(field) for field in fields(TrainConfig) if field.name in SHAPE}
    shape = {name: card.config.get(name, usual[name]) for name in SHAPE}
    for name, value in shape.items():
        given = getattr(config, name)
        if given not in (value, usual[name]):
            raise ValueError(
                f"{name} is {given!r}, but the adapter at '{config.adapter}' was trained with {value!r}; leave it "
                "out to go on from that adapter, or leave out --adapter."
            )
    return replace(config, **shape)


def _check_kind(card: AdapterCard, config: TrainConfig) -> None:
    if is_whole(card):
        raise ValueError(f"'{config.adapter}' is a whole model; give it as --model and leave out --adapter.")
    for objective, what in ((card.objective, f"'{config.adapter}'"), (config.objective, "this run")):
        if objective in LABELLING and not (card.objective == config.objective and objective in KEPT):
            raise ValueError(
                f"{what} is for '{objective}', which learns a head of its own; only adapters that write text are "
                "gone on from. Leave out --adapter."
            )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def check_start(config: TrainConfig, base: Path) -> None:
    """Raises ValueError where the adapter to go on from was trained on another base, or is damaged."""
    if config.adapter is None:
        return
    from finetune.adapter_weights import check_complete

    check_base(read_card(config.adapter), base)
    check_tokenizer(config.adapter, base)
    check_complete(Path(config.adapter))


def tokenizer_folder(config: TrainConfig, base: Path) -> Path:
    """Where the tokenizer lies that a run uses: an adapter keeps the chat template that it was trained with."""
    return base if config.adapter is None else Path(config.adapter)


def start_print(config: TrainConfig) -> dict[str, str]:
    """What a run's fingerprint says of the adapter that it starts from; empty where it starts from the base."""
    return {} if config.adapter is None else {"adapter_hash": weights_hash(config.adapter)}


def started_from(config: TrainConfig) -> dict[str, str]:
    """What the new card says of it."""
    if config.adapter is None:
        return {}
    objective = read_card(config.adapter).objective
    return {"path": config.adapter, "weights": weights_hash(config.adapter), "objective": objective}
