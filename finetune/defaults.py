"""Reads the numbers of defaults.toml; each stands there with its source."""

from __future__ import annotations

import sys
from functools import cache
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@cache
def defaults() -> dict[str, Any]:
    """The whole table, read once."""
    return tomllib.loads(files("finetune").joinpath("defaults.toml").read_text("utf-8"))


def learning_rates(method: str, objective: str, params_b: float) -> tuple[float, float]:
    """Learning rate of the body and of a new head, for a model of `params_b` billion parameters."""
    tables = defaults()[method]
    # Continued pretraining predicts the next token as fine-tuning does: the same rates unless a table says more. A
    # reranker is a classifier of pairs.
    like = "classify" if objective == "rerank" else "sft"
    table = tables[objective] if objective in tables else tables[like]
    share = float(defaults()["rate_share"].get(objective, 1.0))
    large = params_b > defaults()["limits"]["large_params_b"]
    rate = float(
        table["learning_rate_large"] if large and "learning_rate_large" in table else table["learning_rate"]
    )
    return rate * share, float(table.get("head_learning_rate", rate))
