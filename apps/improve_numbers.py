"""Reads the numbers of improve.toml; each stands there with its source."""

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
def improve_numbers() -> dict[str, Any]:
    """The whole table, read once."""
    return tomllib.loads(files("apps").joinpath("improve.toml").read_text("utf-8"))
