"""The only reader of advisor.toml and the environment: flag > environment > advisor.toml > default."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the commands that answer and serve share. `ADVISOR_INDEX` and so on name the same things."""

    index: str | None = None
    model: str | None = None
    adapter: str | None = None
    api_base: str | None = None
    api_key: str = ""
    judge_key: str = ""  # of the server that judges; never that of --api-base
    store_token: str = ""  # of a Milvus server
    host: str = "127.0.0.1"
    port: int = 8080
    k: int = 6
    build: str = "build"  # where indexes, adapters and feedback are kept
    feedback: str = ""  # a file or an SQLAlchemy URL; "" = feedback.sqlite3 in the build folder
    max_new_tokens: int = 512
    rerank: str = ""  # a cross-encoder that reads the best passages again; "" = none
    diversity: float = 0.0  # 0 to 1, how unlike one another passages must be
    neighbours: int = 0  # passages joined to a hit on either side
    domain: str = "general"  # who reads what is found: general, finance, medical or none


def load_settings(
    flags: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from all places. Raises ValueError naming the place, the value and the nearest known key."""
    path = (folder or Path.cwd()) / "advisor.toml"
    environ = os.environ if environ is None else environ
    known = {field.name: field for field in fields(Settings)}
    values: dict[str, Any] = _from_file(path, known)
    for name in known:
        if (value := environ.get(f"ADVISOR_{name.upper()}")) is not None:
            values[name] = _typed(name, value, "the environment")
    for name, value in (flags or {}).items():
        if name in known and value is not None:
            values[name] = value
    return Settings(**values)


def _from_file(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
            raise ValueError(f"{path}: unknown key {key!r}; {hint}")
    return {key: _typed(key, value, str(path)) for key, value in table.items()}


_INTEGERS = ("port", "k", "max_new_tokens", "neighbours")
_FRACTIONS = ("diversity",)


def _typed(name: str, value: Any, place: str) -> Any:
    if name not in _INTEGERS + _FRACTIONS:
        return str(value)
    try:
        return int(value) if name in _INTEGERS else float(value)
    except (TypeError, ValueError):
        kind = "whole number" if name in _INTEGERS else "number"
        raise ValueError(f"{name} = {value!r} in {place} is not a {kind}.") from None
