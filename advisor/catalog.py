"""Reads the facts/*.toml tables: models, cards, methods and evidence, each with its source and date."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from .schema import Evidence
from .setups import Card, ModelSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FACTS = Path(__file__).parent / "facts"

# What a driver puts around the name of a card without meaning another product.
_FILLING = {
    "nvidia",
    "geforce",
    "tesla",
    "amd",
    "instinct",
    "radeon",
    "graphics",
    "gpu",
    "generation",
    "edition",
}
# What means another product, where the catalogued name lacks it.
_OTHER_PRODUCT = {
    "ti",
    "super",
    "laptop",
    "mobile",
    "max",
    "d",
    "g",
    "s",
    "x",
    "ada",
    "nvl",
    "mig",
    "ultra",
    "pro",
}
_REPORTED = 1.09  # drivers report up to 8 % less than the printed size: 22.1 GiB of an A10's 24


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
def all_evidence() -> tuple[Evidence, ...]:
    """Every catalogued claim, in the order of the table."""
    names = {item.name for item in fields(Evidence)} - {"about"}
    rows = []
    for row in read_facts("evidence"):
        values = {name: value for name, value in row.items() if name in names}
        if "value" in values:  # TOML reads 2 as an integer, and a plan that is read back holds 2.0
            values["value"] = float(values["value"])
        rows.append(Evidence(**values, about=tuple(row.get("about", ()))))
    return tuple(rows)


@cache
def evidence(key: str) -> Evidence:
    """The claim named `key`. Raises KeyError for a name that no row carries, which is a programming error."""
    for row in all_evidence():
        if row.key == key:
            return row
    raise KeyError(f"facts/evidence.toml has no row {key!r}")


def threshold(key: str, name: str = "value") -> float:
    """A figure that a rule compares with, e.g. the corpus size that still fits a prompt."""
    for row in read_facts("evidence"):
        if row["key"] == key:
            return float(row[name])
    raise KeyError(f"facts/evidence.toml has no row {key!r}")


def method_facts(method: str) -> Mapping[str, Any]:
    """The row of one training method, or of 'none': title, what it trains, where its settings start from."""
    for row in read_facts("methods"):
        if row["name"] == method:
            return row
    raise ValueError(
        f"Unknown method {method!r}; choose one of {[row['name'] for row in read_facts('methods')]}."
    )


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


@cache
def cards() -> tuple[Card, ...]:
    """Every catalogued accelerator and the CPU reference, smallest memory first."""
    names = {item.name for item in fields(Card)}
    found = [Card(**{key: value for key, value in row.items() if key in names}) for row in read_facts("gpus")]
    return tuple(sorted(found, key=lambda card: card.vram_gib))


@cache
def find_card(name: str) -> Card | None:
    """The catalogued card that a driver calls `name`, e.g. 'NVIDIA A100-SXM4-80GB'; None if it is not catalogued.

    The longest catalogued spelling whose words stand in `name` in their order wins; what is left of `name` must not
    mean another product: an 'RTX 4090 Laptop GPU' is no RTX 4090.
    """
    wanted = _words(name)
    for words, card in sorted(_card_spellings().items(), key=lambda item: -len(item[0])):
        left = _left_over(words, wanted)
        if left is not None and not _another_product(left, card):
            return card
    return None


def typical_card(vram_gib: float) -> Card:
    """The NVIDIA card that stands for a memory size: of those marked typical, the largest not above `vram_gib`.

    A size that a driver reports counts as the printed one; below the smallest card, the smallest.
    """
    marked = {row["name"] for row in read_facts("gpus") if row.get("typical")}
    typical = [card for card in cards() if card.name in marked]
    exact = [card for card in typical if card.vram_gib == vram_gib]
    fitting = [card for card in typical if card.vram_gib <= vram_gib * _REPORTED]
    return (exact or fitting or typical[:1])[-1]


def _words(name: str) -> tuple[str, ...]:
    """Letters and digits apart, so that 'RTX4090' reads as 'RTX 4090' and 'A10' never as a part of 'A100'."""
    return tuple(word for word in re.findall(r"[a-z]+|[0-9]+", name.casefold()) if word not in _FILLING)


def _another_product(left: list[str], card: Card) -> bool:
    sizes = [float(number) for number, unit in pairwise(left) if unit == "gb" and number.isdigit()]
    return bool(_OTHER_PRODUCT.intersection(left)) or any(size != card.vram_gib for size in sizes)


def _left_over(words: tuple[str, ...], wanted: tuple[str, ...]) -> list[str] | None:
    """What remains of `wanted` without `words`; None where they do not all stand there in this order."""
    rest = iter(words)
    expected = next(rest, None)
    left: list[str] = []
    for word in wanted:
        if word == expected:
            expected = next(rest, None)
        else:
            left.append(word)
    return left if expected is None else None


@cache
def _card_spellings() -> dict[tuple[str, ...], Card]:
    by_name = {card.name: card for card in cards()}
    return {
        _words(spelling): by_name[row["name"]]
        for row in read_facts("gpus")
        for spelling in (row["name"], *row.get("spellings", ()))
    }


def _nearest(name: str, spellings: Mapping[str, str]) -> str:
    """The three models whose names, whole and cut to the length of `name`, are most like it."""
    from difflib import SequenceMatcher

    wanted = name.casefold().split("/")[-1]
    matcher = SequenceMatcher(b=wanted)  # what stays the same between comparisons

    def likeness(spelling: str) -> float:
        last = spelling.split("/")[-1]
        matcher.set_seq1(last)
        whole = matcher.ratio()
        matcher.set_seq1(last[: len(wanted)])
        return whole + matcher.ratio()

    ranked = sorted(spellings, key=likeness, reverse=True)
    return ", ".join(list(dict.fromkeys(spellings[spelling] for spelling in ranked))[:3])


@cache
def _model_spellings() -> dict[str, str]:
    """What a model may be called -> its name; the base model of a tuned one has the same shape."""
    spellings: dict[str, str] = {}
    for row in read_facts("models"):
        name = str(row["name"])
        for whole in (name, name.split("/")[-1], *row.get("aliases", ())):
            spellings.setdefault(str(whole).casefold(), name)
    for spelling, name in list(spellings.items()):
        for ending in ("-instruct", "-it", "-chat", "-chat-hf", "-hf"):
            spellings.setdefault(spelling.removesuffix(ending), name)
        spellings.setdefault(spelling.replace("-chat-hf", "-hf"), name)
    return spellings
