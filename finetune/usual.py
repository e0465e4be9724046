"""What an objective sets otherwise than a run of answers does, where the person gave nothing."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, replace
from typing import Any

from finetune.defaults import defaults
from finetune.schema import TrainConfig


def with_usual(config: TrainConfig) -> TrainConfig:
    """The settings with those of `defaults.toml`'s [usual.OBJECTIVE]; what a setting is by default counts as not
    given."""
    own = defaults()["usual"].get(config.objective, {})
    plain = {field.name: plain_value(field) for field in fields(TrainConfig) if field.name in own}
    changed = {name: value for name, value in own.items() if getattr(config, name) == plain[name]}
    return replace(config, **changed)


def plain_value(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
