"""Who writes the answer: the extractive default, a Hugging Face causal LM, or an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from apps.assistant import Generator
from apps.fresh_adapter import FreshAdapter
from apps.openai_compatible import OpenAICompatible
from rag.evidence import Evidence
from rag.marks import without_marks

if TYPE_CHECKING:
    from finetune import Classifier

Messages = Sequence[Mapping[str, str]]


class Extractive:
    """Quotes the sentences that support an answer, each with its mark; writes nothing of its own, needs no model."""

    name = "extractive"
    quotes = True
    adapter: str | None = None

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        if evidence is None:
            raise ValueError(
                "The extractive generator quotes documents and has none; "
                "give --index, or --model to answer closed book."
            )
        for position, passage in enumerate(evidence.best()):
            yield ("\n" if position else "") + f"{without_marks(passage.text)} [{passage.number}]"


class Labelling:
    """Answers with the label that a trained classifier gives the question: what a tuned encoder says closed book."""

    name = "classifier"

    def __init__(self, classifier: Classifier, adapter: str) -> None:
        self.adapter: str | None = adapter
        self._classifier = classifier

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        ((label, probability),) = self._classifier.classify([question])
        yield f"{label} ({probability:.0%})"


def make_generator(
    model: str | None = None,
    *,
    adapter: str | None = None,
    api_base: str | None = None,
    api_key: str = "",
    max_new_tokens: int = 512,
) -> Generator:
    """The generator that the given names ask for; none of them is the extractive one.

    An adapter without a model is loaded onto the base that its card names; one that is replaced is loaded anew.
    """
    if api_base:
        if adapter:
            raise ValueError(
                "--adapter needs weights on this machine; a server behind --api-base loads its own."
            )
        return OpenAICompatible(api_base, model or "default", api_key)
    if model is None and adapter is None:
        return Extractive()
    from finetune import load_generator, read_card

    def load() -> Generator:
        base = model or read_card(adapter or "").base_model
        generator: Generator = load_generator(base, adapter=adapter, max_new_tokens=max_new_tokens)
        return generator

    return FreshAdapter(load, adapter) if adapter else load()
