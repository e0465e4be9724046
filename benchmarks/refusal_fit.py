"""Fits the weights by which sentences are judged: a logistic regression whose question is its best sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from refusal_asking import FEATURES, Case

from rag.refusal import Judge

ROUNDS, RIDGE = (
    6,
    0.003,
)  # of choosing the best sentence anew; of the weights' squares, in standard deviations
# Of what can be answered in these sets, refused at most: less than the ten in a hundred that are the aim, because
# questions in everyday words find less of themselves in the documents than those of these sets do.
RULING = ("squad_en", "cmrc_zh")
WRONGLY = 0.06
# Share of the least support that any of them has: a model that writes can refuse by itself.
HOPELESS = 0.5
# Which way each feature may speak. One that the data turn round is left out: no sentence that meets more of a question
# may count less.
SIGNS = {"met": 1, "worst": -1, "held": 1, "length": 1, "near": 1, "read": 1}

Array = NDArray[np.float64]


def scores(judge: Judge, cases: Sequence[Case]) -> Array:
    """Support of each question: that of its best sentence, 0 without one."""
    return np.array([_best(judge, case)[1] for case in cases])


def fit(cases: Sequence[Case], features: Sequence[str], ruling: Sequence[Case]) -> Judge:
    """On questions asked with their documents, where these were found, and without them; each set weighs the same.

    The thresholds are those of `ruling`.
    """
    kept = [case for case in cases if len(case.sentences) and (case.found or case.condition != "present")]
    answerable = np.array([case.condition == "present" for case in kept], dtype=float)
    sizes = Counter((case.name, case.condition == "present") for case in kept)
    weight = np.array([1.0 / sizes[case.name, case.condition == "present"] for case in kept])
    judge = Judge(
        threshold=0.5, hopeless=0.0, intercept=0.0, weights={name: float(SIGNS[name]) for name in features}
    )
    for _ in range(ROUNDS):
        rows = np.stack([case.sentences[_best(judge, case)[0]] for case in kept])
        judge = _regression(rows, answerable, weight / weight.sum(), list(judge.weights))
    return _with_thresholds(judge, [case for case in ruling if case.condition == "present"])


def _best(judge: Judge, case: Case) -> tuple[int, float]:
    if not len(case.sentences):
        return -1, 0.0
    support = judge.support(dict(zip(FEATURES, case.sentences.T, strict=True)))
    place = int(np.argmax(support))
    return place, float(support[place])


def _regression(rows: Array, answerable: Array, weight: Array, features: list[str]) -> Judge:
    columns = rows[:, [FEATURES.index(name) for name in features]]
    mean, deviation = columns.mean(0), columns.std(0) + 1e-9
    design = np.hstack([np.ones((len(rows), 1)), (columns - mean) / deviation])
    found = _newton(design, answerable, weight)
    slopes = found[1:] / deviation
    wrong = [name for name, slope in zip(features, slopes, strict=True) if slope * SIGNS[name] <= 0]
    if wrong:
        return _regression(rows, answerable, weight, [name for name in features if name not in wrong])
    weights = {name: float(slope) for name, slope in zip(features, slopes, strict=True)}
    return Judge(threshold=0.5, hopeless=0.0, intercept=float(found[0] - slopes @ mean), weights=weights)


def _newton(design: Array, answerable: Array, weight: Array) -> Array:
    found = np.zeros(design.shape[1])
    ridge = RIDGE * np.eye(len(found))
    ridge[0, 0] = 0.0
    for _ in range(30):
        share = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (weight * (answerable - share)) - ridge @ found
        curve = (design * (weight * share * (1 - share))[:, None]).T @ design + ridge
        found = found + np.linalg.solve(curve, slope)
    return found


def _with_thresholds(judge: Judge, present: Sequence[Case]) -> Judge:
    """Both are shares of the answerable refused, the mean over the sets."""
    names = sorted({case.name for case in present})
    by_set = [scores(judge, [case for case in present if case.name == name]) for name in names]
    grid = np.linspace(0.001, 0.999, 999)
    refused = np.mean([[(found < least).mean() for least in grid] for found in by_set], axis=0)
    threshold = float(grid[max(np.searchsorted(refused, WRONGLY, "right") - 1, 0)])
    hopeless = HOPELESS * min(float(found[found > 0].min()) for found in by_set)
    return Judge(threshold=threshold, hopeless=hopeless, intercept=judge.intercept, weights=judge.weights)
