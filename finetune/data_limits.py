"""Reads data_limits.toml: from which share on a finding stops a training; each stands there with its reason."""

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
def limits() -> dict[str, Any]:
    return tomllib.loads(files("finetune").joinpath("data_limits.toml").read_text("utf-8"))


def stops(key: str, share: float, objective: str) -> bool:
    """Whether so large a share of the rows would waste a training."""
    table = {**limits()["stops"], **limits().get(f"stops_{objective}", {})}
    return key in table and share > table[key]
