"""Scores of short answers as SQuAD 2.0 counts them (arXiv 1806.03822), Chinese by characters. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CHINESE = re.compile(r"[\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff]")
_WORDS = re.compile(
    r"[\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff]|[^\s\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was found for one question: the best span, how far it stands above "no answer", and its scores."""

    score: float
    em: float  # of the span against the gold answers; 0 where there are none
    f1: float
    answerable: bool

    def at(self, threshold: float) -> tuple[float, float]:
        """Exact match and F1 where spans up to `threshold` are kept back."""
        if self.score > threshold:
            return self.em, self.f1
        return (0.0, 0.0) if self.answerable else (1.0, 1.0)


def words(text: str) -> list[str]:
    """Without case, punctuation and English articles; a Chinese character is a word."""
    dropped = _is_mark if _CHINESE.search(text) else _is_ascii_mark
    kept = "".join(one for one in text.lower() if not dropped(one))
    return _WORDS.findall(_ARTICLES.sub(" ", kept))


def _is_ascii_mark(one: str) -> bool:
    return one in string.punctuation  # and no other: as in SQuAD's own script


def _is_mark(one: str) -> bool:
    return unicodedata.category(one)[0] in "PS"


def exact(said: str, gold: str) -> float:
    return float(words(said) == words(gold))


def f1(said: str, gold: str) -> float:
    one, other = words(said), words(gold)
    if not one or not other:
        return float(one == other)
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other))


def judged(text: str, score: float, gold: Sequence[str]) -> Said:
    """Against the gold answer that it is nearest to."""
    return Said(
        score=score,
        em=max((exact(text, one) for one in gold), default=0.0),
        f1=max((f1(text, one) for one in gold), default=0.0),
        answerable=bool(gold),
    )


def best_threshold(found: Sequence[Said]) -> float:
    """The score above which an answer is given, for the best F1 over all questions; of several the highest."""
    ordered = sorted(found, key=lambda one: -one.score)
    total = best = float(sum(not one.answerable for one in ordered))
    kept = ordered[0].score + 1.0 if ordered else 0.0
    for at, one in enumerate(ordered):
        total += one.f1 - (not one.answerable)
        last = at + 1 == len(ordered)
        if total > best and (last or ordered[at + 1].score < one.score):
            best = total
            kept = one.score - 1.0 if last else (one.score + ordered[at + 1].score) / 2
    return kept


def summary(found: Sequence[Said], threshold: float) -> dict[str, float]:
    """Means over the questions: spans above 0, spans above `threshold`, and of answerable ones every span."""
    answerable = [one for one in found if one.answerable]
    scores = {"em": 0.0, "f1": 0.0, "em_at_threshold": 0.0, "f1_at_threshold": 0.0}
    for one in found:
        for suffix, limit in (("", 0.0), ("_at_threshold", threshold)):
            em, f1 = one.at(limit)
            scores[f"em{suffix}"] += em
            scores[f"f1{suffix}"] += f1
    return {
        **{name: total / max(1, len(found)) for name, total in scores.items()},
        "null_threshold": threshold,
        "answerable_em": sum(one.em for one in answerable) / max(1, len(answerable)),
        "answerable_f1": sum(one.f1 for one in answerable) / max(1, len(answerable)),
        "unanswerable_share": 1 - len(answerable) / max(1, len(found)),
    }
