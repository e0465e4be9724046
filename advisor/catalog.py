"""Reads the facts/*.toml tables: models, cards, methods and evidence, each with its source and date."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from .schema import Evidence, ModelSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FACTS = Path(__file__).parent / "facts"


@cache
def read_facts(table: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of facts/<table>.toml as they stand, `source` and `date` included."""
    with (FACTS / f"{table}.toml").open("rb") as file:
        return tuple(tomllib.load(file)[table])


@cache
def models() -> tuple[ModelSpec, ...]:
    """Every catalogued model, smallest first."""
    names = {item.name for item in fields(ModelSpec)}
    specs = []
    for row in read_facts("models"):
        values = {key: value for key, value in row.items() if key in names}
        specs.append(ModelSpec(**{**values, "languages": tuple(row.get("languages", ()))}))
    return tuple(sorted(specs, key=lambda spec: spec.params_b or 0.0))


@cache
def evidence(key: str) -> Evidence:
    """The claim named `key`. Raises KeyError for a name that no row carries, which is a programming error."""
    names = {item.name for item in fields(Evidence)}
    for row in read_facts("evidence"):
        if row["key"] == key:
            return Evidence(**{name: value for name, value in row.items() if name in names})
    raise KeyError(f"facts/evidence.toml has no row {key!r}")


def threshold(key: str, name: str = "value") -> float:
    """A figure that a rule compares with, e.g. the corpus size that still fits a prompt."""
    for row in read_facts("evidence"):
        if row["key"] == key:
            return float(row[name])
    raise KeyError(f"facts/evidence.toml has no row {key!r}")


@cache
def default_models() -> tuple[ModelSpec, ...]:
    """What is proposed where the user names no model, largest first."""
    wanted = {row["name"] for row in read_facts("models") if row.get("default")}
    return tuple(spec for spec in reversed(models()) if spec.name in wanted)


def find_model(name: str) -> ModelSpec:
    """A catalogued model by hub name, last part of it or alias; ValueError with the nearest names otherwise."""
    spellings = _model_spellings()
    found = spellings.get(name.casefold())
    if found is None:
        raise ValueError(
            f"Unknown model {name!r}; nearest in the catalogue: {_nearest(name, spellings)}. "
            "A folder that holds a config.json works too."
        )
    return next(spec for spec in models() if spec.name == found)


def resolve_model(name: str) -> ModelSpec:
    """A catalogued model, or the shape read from a local folder or config.json."""
    path = Path(name)
    if path.is_file() or (path / "config.json").is_file():
        return ModelSpec.from_config(path)
    return find_model(name)


def model_of_size(params_b: float) -> ModelSpec:
    """The catalogued decoder nearest in size, for a question about 'some 7B model'."""
    if not 0 < params_b < 10_000:
        raise ValueError(f"model_params_b is {params_b:g}; give billions of parameters, for example 7.")
    decoders = [spec for spec in models() if spec.kind == "decoder"]
    return min(decoders, key=lambda spec: abs((spec.params_b or 0.0) - params_b))


def find_gpu(name: str) -> Mapping[str, Any] | None:
    """The catalogued card whose name stands in `name` (as a driver spells it), longest match first; None if none."""
    wanted = name.casefold().replace(" ", "").replace("-", "")
    for row in sorted(read_facts("gpus"), key=lambda row: -len(row["name"])):
        if row["name"].casefold().replace(" ", "").replace("-", "") in wanted:
            return row
    return None


def _nearest(name: str, spellings: Mapping[str, str]) -> str:
    import difflib

    near = difflib.get_close_matches(name.casefold(), spellings, n=6, cutoff=0.3)
    near += difflib.get_close_matches(name.casefold().split("/")[-1], spellings, n=3, cutoff=0.3)
    unique = list(dict.fromkeys(spellings[key] for key in near)) or [spec.name for spec in models()]
    return ", ".join(unique[:3])


@cache
def _model_spellings() -> dict[str, str]:
    spellings: dict[str, str] = {}
    for row in read_facts("models"):
        short = str(row["name"]).split("/")[-1]
        for spelling in (row["name"], short, short.removesuffix("-Instruct"), *row.get("aliases", ())):
            spellings.setdefault(str(spelling).casefold(), str(row["name"]))
    return spellings
