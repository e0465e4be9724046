"""The turns of one browser session's conversation, each with what is needed to draw it again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from apps.assistant import Answer, Assistant
from apps.feedback import Thumb
from apps.generators import Labelling
from apps.labels import Classifier, Label, label_answer
from apps.ui.passages import Passage, passage_of_hit, passages

if TYPE_CHECKING:
    from rag import Document
    from rag.trace import SearchTrace

TURNS = "turns"
_NEAREST = 3  # passages shown with a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question and its answer. The passages are kept as they were: the index may change under them."""

    id: str
    question: str
    answer: Answer
    history: tuple[dict[str, str], ...] = ()  # the turns before it, as the answer's prompt had them
    passages: tuple[Passage, ...] = ()
    nearest: tuple[Passage, ...] = ()  # what was found where nothing was answered
    labels: tuple[Label, ...] = ()
    trace: SearchTrace | None = None  # how the passages were found
    adapter: str | None = None  # the switch: a classifier's is not the writer's own
    thumb: Thumb | None = None
    corrected: bool = False


def turns() -> list[Turn]:
    found: list[Turn] = st.session_state.setdefault(TURNS, [])
    return found


def history() -> list[dict[str, str]]:
    """Earlier turns as messages."""
    return [
        message
        for turn in turns()
        for message in (
            {"role": "user", "content": turn.question},
            {"role": "assistant", "content": turn.answer.text},
        )
    ]


def new_turn(
    question: str,
    answer: Answer,
    assistant: Assistant,
    *,
    classifier: Classifier | None = None,
    adapter: str | None = None,
    trace: SearchTrace | None = None,
) -> None:
    """Appends an answer with the surroundings of its quotes, read while its index is at hand."""
    nearest = answer.hits[:_NEAREST] if answer.refused else ()
    turns().append(
        Turn(
            id=uuid.uuid4().hex,
            question=question,
            answer=answer,
            history=tuple(history()),
            passages=passages(answer.citations, _documents(answer, assistant), answer.short_at),
            nearest=tuple(passage_of_hit(number, hit) for number, hit in enumerate(nearest, 1)),
            adapter=adapter,
            trace=trace,
            labels=_labels(question, answer, assistant, classifier),
        )
    )


def _labels(
    question: str, answer: Answer, assistant: Assistant, classifier: Classifier | None
) -> tuple[Label, ...]:
    """None where the answer itself is the label."""
    if classifier is None or isinstance(assistant.generator, Labelling):
        return ()
    return label_answer(answer, classifier, question)


def set_thumb(turn: Turn, thumb: Thumb, *, corrected: bool) -> None:
    place = turns().index(turn)
    turns()[place] = replace(turn, thumb=thumb, corrected=corrected)


def _documents(answer: Answer, assistant: Assistant) -> dict[str, Document]:
    read = getattr(assistant.retriever, "document", None)
    if read is None:
        return {}
    return {source: read(source) for source in {citation.source for citation in answer.citations}}
