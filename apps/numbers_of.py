"""Reads the numbers of judge.toml and improve.toml; each stands there with its source."""

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
def numbers_of(name: str) -> dict[str, Any]:
    """All tables of `name`.toml, read once."""
    return tomllib.loads(files("apps").joinpath(f"{name}.toml").read_text("utf-8"))
