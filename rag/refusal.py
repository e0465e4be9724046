"""Whether found passages suffice to answer a question: a few features and the weights that a script has fitted.

The weights stand in refusal.toml; `benchmarks/refusal.py --fit` writes it, with the date and the sets.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CALIBRATION = Path(__file__).with_name("refusal.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Turns features, by name, into support from 0 to 1; each weight is of one unit of its feature."""

    threshold: float  # below it a reader that only quotes refuses
    hopeless: float  # below it a model that writes is not asked either
    intercept: float
    weights: Mapping[str, float]

    def support(self, features: Mapping[str, Any]) -> Any:
        """A logistic function of each item. KeyError names a feature that the reader does not give."""
        found = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return 1.0 / (1.0 + np.exp(-np.clip(found, -50.0, 50.0)))


@functools.cache
def read_judges(path: Path = CALIBRATION) -> Mapping[str, Judge]:
    """The judges by name: "aligned" where the embedder reads the question, "lexical" where words alone are compared."""
    tables = tomllib.loads(path.read_text("utf-8"))
    return {name: _judge(table) for name, table in tables.items() if isinstance(table, dict)}


def _judge(table: Mapping[str, object]) -> Judge:
    weights = table["weights"]
    if not isinstance(weights, dict):
        raise ValueError(
            f"weights={weights!r} must be a table of numbers by feature; run benchmarks/refusal.py --fit."
        )
    return Judge(
        threshold=_number(table, "threshold"),
        hopeless=_number(table, "hopeless"),
        intercept=_number(table, "intercept"),
        weights={str(name): float(weight) for name, weight in weights.items()},
    )


def _number(table: Mapping[str, object], key: str) -> float:
    value = table[key]
    if not isinstance(value, int | float):
        raise ValueError(f"{key}={value!r} must be a number; run benchmarks/refusal.py --fit.")
    return float(value)


def write_judges(judges: Mapping[str, Judge], head: Mapping[str, str], path: Path = CALIBRATION) -> None:
    """Write what `read_judges` reads; `head` says when, on which sets and with which embedder it was fitted."""
    lines = ["# Written by benchmarks/refusal.py --fit; fit again rather than edit."]
    lines += [f'{key} = "{value}"' for key, value in head.items()]
    for name, judge in judges.items():
        lines += ["", f"[{name}]", f"threshold = {judge.threshold:.3f}", f"hopeless = {judge.hopeless:.3f}"]
        lines += [f"intercept = {judge.intercept:.3f}", f"[{name}.weights]"]
        lines += [f"{feature} = {weight:.3f}" for feature, weight in judge.weights.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
