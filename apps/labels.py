"""Labels what an answer says with a classifier that was trained here; loads none unless the adapter is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.assistant import Answer


class Classifier(Protocol):
    def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the classifier takes a text to be, and how sure it is (0..1)."""

    text: str
    label: str
    probability: float


def label_texts(texts: Sequence[str], classifier: Classifier) -> tuple[Label, ...]:
    """Each different text once, in its order; an empty text has no label."""
    different = [text for text in dict.fromkeys(text.strip() for text in texts) if text]
    if not different:
        return ()
    found = zip(different, classifier.classify(different), strict=True)
    return tuple(Label(text=text, label=label, probability=share) for text, (label, share) in found)


def label_answer(answer: Answer, classifier: Classifier, question: str = "") -> tuple[Label, ...]:
    """Labels of the cited sentences; of the question in closed book, where nothing is cited; none for a refusal."""
    if answer.refused:
        return ()
    if answer.hits:
        return label_texts([citation.claim for citation in answer.citations], classifier)
    return label_texts([question], classifier)
