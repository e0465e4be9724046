"""Scores of a classification, pure: accuracy, macro-F1 and the baseline that a model has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def accuracy(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Share of rows that are right; both sequences have the same length, at least 1."""
    return sum(g == p for g, p in zip(gold, predicted, strict=True)) / len(gold)


def macro_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean over the labels (of either sequence) of each label's F1, so that a rare label weighs as much as
    a common one."""
    labels = sorted(set(gold) | set(predicted))
    return sum(_f1(gold, predicted, label) for label in labels) / len(labels)


def _f1(gold: Sequence[str], predicted: Sequence[str], label: str) -> float:
    hits = sum(g == label == p for g, p in zip(gold, predicted, strict=True))
    return 2 * hits / (sum(g == label for g in gold) + sum(p == label for p in predicted))


def majority_accuracy(train: Sequence[str], gold: Sequence[str]) -> float:
    """Accuracy of always answering the commonest label of the training rows (first by name on a tie)."""
    counts = Counter(train)
    answer = min(counts, key=lambda label: (-counts[label], label))
    return accuracy(gold, [answer] * len(gold))
