"""Labels what an answer says with a classifier that was trained here; loads none unless the adapter is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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


def load_labeller(adapter: str | Path, model: str | None = None) -> Classifier | None:
    """The classifier in `adapter`, or None when it was trained to write rather than to label.

    `model` is the base it was trained on; None takes the one its card names. Raises what `finetune.read_card`
    and `finetune.load_classifier` raise.
    """
    from finetune import load_classifier, read_card

    card = read_card(adapter)
    if card.objective != "classify":
        return None
    classifier: Classifier = load_classifier(model or card.base_model, adapter)
    return classifier
