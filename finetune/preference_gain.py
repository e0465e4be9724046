"""Whether a model prefers what people preferred, pure: shares of pairs and thumbs, with an interval over questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from finetune.defaults import defaults
from finetune.gains import Array, Statistic, resamples

CHANCE = 0.5


def pair_share(questions: Sequence[str], margins: Sequence[float], seed: int = 0) -> dict[str, float]:
    """Share of pairs with a positive margin, log p(better) - log p(worse); a margin of 0 counts half."""
    return _measured(questions, _pair_statistic(margins), len(margins), seed)


def thumb_share(
    questions: Sequence[str], liked: Sequence[bool], scores: Sequence[float], seed: int = 0
) -> dict[str, float]:
    """Share of all (liked, disliked) answers of which the liked one scores higher; equal scores count half.

    The area under the ROC curve: what all scores have in common does not count, nor how many are liked. Raises
    ValueError where all answers are liked, or all disliked.
    """
    if len(set(liked)) < 2:
        raise ValueError("Thumbs of one kind alone have no order; give liked and disliked answers.")
    return _measured(questions, _thumb_statistic(liked, scores), len(scores), seed)


def difference(
    questions: Sequence[str], before: Statistic, after: Statistic, rows: int, seed: int = 0
) -> dict[str, float]:
    """What `after` is above `before`, each resample drawing the same questions for both."""
    found = _measured(questions, lambda drawn: after(drawn) - before(drawn), rows, seed)
    once = np.ones((1, rows))
    return {**found, "before": float(before(once)[0]), "after": float(after(once)[0])}


def pair_difference(
    questions: Sequence[str], before: Sequence[float], after: Sequence[float], seed: int = 0
) -> dict[str, float]:
    """The difference of two pair shares."""
    return difference(questions, _pair_statistic(before), _pair_statistic(after), len(after), seed)


def thumb_difference(
    questions: Sequence[str],
    liked: Sequence[bool],
    before: Sequence[float],
    after: Sequence[float],
    seed: int = 0,
) -> dict[str, float]:
    """The difference of two thumb shares."""
    first, second = _thumb_statistic(liked, before), _thumb_statistic(liked, after)
    return difference(questions, first, second, len(after), seed)


def _measured(questions: Sequence[str], statistic: Statistic, rows: int, seed: int) -> dict[str, float]:
    """The value and its bootstrap interval. Questions are drawn, not rows: answers to one question are no
    independent evidence."""
    names = {question: place for place, question in enumerate(dict.fromkeys(questions))}
    place = np.array([names[question] for question in questions])
    found = {
        "value": float(statistic(np.ones((1, rows)))[0]),
        "rows": float(rows),
        "questions": float(len(names)),
    }
    if len(names) < 2:
        return found
    values = np.concatenate([statistic(drawn[:, place]) for drawn in resamples(len(names), seed)])
    outside = (1 - float(defaults()["run"]["confidence"])) / 2
    low, high = np.quantile(values, (outside, 1 - outside))
    return {**found, "low": float(low), "high": float(high)}


def _pair_statistic(margins: Sequence[float]) -> Statistic:
    agrees = _ahead(np.asarray(margins, float))
    return lambda drawn: (drawn @ agrees) / np.maximum(drawn.sum(1), 1.0)


def _thumb_statistic(liked: Sequence[bool], scores: Sequence[float]) -> Statistic:
    values, up = np.asarray(scores, float), np.asarray(liked, bool)
    ahead = _ahead(values[up][:, None] - values[~up][None, :])

    def statistic(drawn: Array) -> Array:
        good, bad = drawn[:, up], drawn[:, ~up]
        pairs = good.sum(1) * bad.sum(1)
        # A resample without any of one kind says nothing.
        won = np.divide(
            ((good @ ahead) * bad).sum(1), pairs, out=np.full(len(drawn), CHANCE), where=pairs > 0
        )
        return np.asarray(won)

    return statistic


def _ahead(margins: Array) -> Any:
    return (margins > 0) + CHANCE * (margins == 0)
