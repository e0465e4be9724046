"""A classifier labels the cited sentences, or the question where nothing is cited."""

from __future__ import annotations

from collections.abc import Sequence

from apps.assistant import Answer
from apps.labels import Label, label_answer
from rag.schema import Chunk, Citation, Hit

HIT = Hit(chunk=Chunk(source="a.md", text="Profit rose.", start=0, end=12), score=1.0, rank=1)


class ByWord:
    """Positive where something rose."""

    def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        return [("positive", 0.9) if "rose" in text else ("neutral", 0.6) for text in texts]


def citation(claim: str, number: int = 1) -> Citation:
    return Citation(number=number, claim=claim, quote=claim, source="a.md", start=0, end=len(claim))


def test_each_cited_sentence_is_labelled_once() -> None:
    cited = (citation("Profit rose."), citation("Profit rose.", 2), citation("The board met."))
    labels = label_answer(Answer(text="...", citations=cited, hits=(HIT,)), ByWord())
    assert labels == (
        Label(text="Profit rose.", label="positive", probability=0.9),
        Label(text="The board met.", label="neutral", probability=0.6),
    )


def test_closed_book_labels_the_question() -> None:
    [label] = label_answer(Answer(text="Yes."), ByWord(), "Shares rose today")
    assert (label.text, label.label) == ("Shares rose today", "positive")


def test_a_refusal_and_an_uncited_answer_have_no_labels() -> None:
    assert label_answer(Answer(text="No.", refused=True), ByWord(), "Shares rose") == ()
    assert label_answer(Answer(text="It rose.", hits=(HIT,)), ByWord(), "Shares rose") == ()
