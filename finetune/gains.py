"""Whether a difference between before and after is more than chance: paired bootstrap over held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finetune.defaults import defaults

LOWER_IS_BETTER = {"loss", "perplexity"}
MOST_LOSS = 700.0  # e^710 is no float
CELLS = 4_000_000  # of the resampling table at once: 32 MB

Array = np.ndarray[Any, np.dtype[np.float64]]
Statistic = Callable[
    [Array], Array
]  # how often each row was drawn, resamples × rows -> the score of each resample


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """Scores of single held-out rows, in their order: what a comparison of before and after draws from."""

    means: dict[str, list[float]] = field(default_factory=dict)  # scores whose mean counts, by name
    losses: list[float] = field(default_factory=list)  # mean loss of each row
    tokens: list[int] = field(default_factory=list)  # over how many tokens
    gold: list[str] = field(default_factory=list)  # labels, for macro-F1
    predicted: list[str] = field(default_factory=list)


def compare(before: RowScores, after: RowScores, seed: int = 0) -> dict[str, dict[str, float]]:
    """For each score: before, after, difference, the interval of the difference (low, high) and rows.

    The interval holds the middle 95 % of the differences over 10,000 resamples of the rows, each resample
    drawing the same rows before and after. Where fewer than two rows were scored there is no interval.
    """
    first, second = _statistics(before), _statistics(after)
    return {
        name: _gain(first[name], second[name], _rows(after, name), seed) for name in second if name in first
    }


def is_gain(name: str, gain: Mapping[str, float]) -> bool:
    """Whether the whole interval lies on the better side of 0."""
    if "low" not in gain:
        return False
    return gain["high"] < 0 if name in LOWER_IS_BETTER else gain["low"] > 0


def _gain(before: Statistic, after: Statistic, rows: int, seed: int) -> dict[str, float]:
    once = np.ones((1, rows))
    was, now = float(before(once)[0]), float(after(once)[0])
    found = {"before": was, "after": now, "difference": now - was, "rows": float(rows)}
    if rows < 2:
        return found
    differences = np.concatenate([after(drawn) - before(drawn) for drawn in resamples(rows, seed)])
    outside = (1 - float(defaults()["run"]["confidence"])) / 2
    low, high = np.quantile(differences, (outside, 1 - outside))
    return {**found, "low": float(low), "high": float(high)}


def resamples(rows: int, seed: int) -> Iterator[Array]:
    left, random = int(defaults()["run"]["bootstrap_resamples"]), np.random.default_rng(seed)
    while left:
        size = min(left, max(1, CELLS // rows))
        yield random.multinomial(rows, np.full(rows, 1 / rows), size=size).astype(np.float64)
        left -= size


def _rows(scores: RowScores, name: str) -> int:
    if name in scores.means:
        return len(scores.means[name])
    return len(scores.gold) if name == "macro_f1" else len(scores.losses)


def _statistics(scores: RowScores) -> dict[str, Statistic]:
    found = {name: _mean(np.asarray(values, float)) for name, values in scores.means.items() if values}
    if scores.gold:
        found["macro_f1"] = _macro_f1(scores.gold, scores.predicted)
    if scores.losses:
        loss = _loss(np.asarray(scores.losses, float), np.asarray(scores.tokens, float))
        found["loss"] = loss
        if not scores.gold:  # a label is no token
            found["perplexity"] = lambda drawn: np.exp(np.minimum(loss(drawn), MOST_LOSS))
    return found


def _mean(values: Array) -> Statistic:
    return lambda drawn: drawn @ values / len(values)


def _loss(losses: Array, tokens: Array) -> Statistic:
    """Mean per token, so that a long row weighs more than a short one, as in training."""
    return lambda drawn: (drawn @ (losses * tokens)) / np.maximum(drawn @ tokens, 1.0)


def _macro_f1(gold: list[str], predicted: list[str]) -> Statistic:
    labels = sorted({*gold, *predicted})
    is_gold = np.array([[row == label for label in labels] for row in gold], float)
    is_said = np.array([[row == label for label in labels] for row in predicted], float)

    def statistic(drawn: Array) -> Array:
        hits, sizes = drawn @ (is_gold * is_said), drawn @ (is_gold + is_said)
        met = sizes > 0  # a label that no drawn row has, or was given, does not count
        scores = np.divide(2 * hits, sizes, out=np.zeros_like(hits), where=met)
        return np.asarray(scores.sum(1) / np.maximum(met.sum(1), 1))

    return statistic
