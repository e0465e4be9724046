"""Feedback as judged answers: the prompt that the generator saw, what it said, and what a person thought of that.

What cannot be learned from is told with its reason. Answers that were quoted from the documents (`extractive`) count
like written ones: they answer the same prompt in the manner that it asks for. A refusal counts where the sources that
it is about are at hand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.feedback import Feedback
from rag.prompt import build_messages
from rag.schema import Chunk, Hit

Turn = dict[str, str]
_MARKS = re.compile(r"[ \t]?\[\d{1,3}\]")
_CLASSIFIER = "classifier"  # the name of apps.generators.Labelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An answer with its thumb. Two are about one prompt when `asked` is equal, about one question when `topic` is."""

    topic: str  # the question in its conversation, whatever its spelling and whatever was retrieved
    asked: str  # the prompt as one text
    prompt: tuple[Turn, ...]
    answer: str
    up: bool
    refused: bool
    correction: str | None
    origin: str  # a hash that stays when rows are masked or exported without their sources


def judged(feedback: Feedback, original: Feedback, *, context: bool, prompt_tokens: int | None) -> Judged:
    """The judged answer of a row; `original` is the row before it was masked. Raises ValueError saying why none is."""
    answer = feedback.answer if context else _unmarked(feedback.answer, feedback)
    correction = (feedback.correction or "").strip() or None
    if correction is not None and not context:
        correction = _unmarked(correction, feedback)
    _refuse_unusable(feedback, answer, context)
    prompt = prompt_of(feedback, context=context, prompt_tokens=prompt_tokens)
    return Judged(
        topic=_topic(feedback),
        asked=json.dumps(prompt, ensure_ascii=False),
        prompt=tuple(prompt),
        answer=answer.strip(),
        up=feedback.thumb == "up",
        refused=feedback.refused,
        correction=None if correction is None or same(correction, answer) else correction,
        origin=_origin(original),
    )


def prompt_of(feedback: Feedback, *, context: bool = True, prompt_tokens: int | None = None) -> list[Turn]:
    """The messages before the answer, made as for the answer itself; without context, the conversation alone."""
    if feedback.prompt:
        return [{"role": turn["role"], "content": turn["content"]} for turn in feedback.prompt]
    if context:
        hits = [_hit(rank, hit) for rank, hit in enumerate(feedback.hits, start=1)]
        return build_messages(feedback.question, hits, feedback.history, budget_tokens=prompt_tokens)
    earlier = [{"role": turn["role"], "content": turn["content"]} for turn in feedback.history]
    return [*earlier, {"role": "user", "content": feedback.question}]


def same(one: str, other: str) -> bool:
    return one.split() == other.split()


def _refuse_unusable(feedback: Feedback, answer: str, context: bool) -> None:
    if not answer.strip():
        raise ValueError("the answer is empty")
    if feedback.generator == _CLASSIFIER:
        raise ValueError("the answer is a classifier's label and no text that a model wrote")
    if feedback.refused and not (feedback.hits and context):
        raise ValueError("a refusal without the sources that it is about")
    if any(not str(turn.get("content", "")).strip() for turn in (*feedback.history, *feedback.prompt)):
        raise ValueError("a turn of the conversation is empty")


def _hit(rank: int, stored: Mapping[str, Any]) -> Hit:
    text = str(stored.get("text", ""))
    start = int(stored.get("start") or 0)
    chunk = Chunk(
        source=str(stored.get("source", "")),
        text=text,
        start=start,
        end=int(stored.get("end") or start + len(text)),
        page=stored.get("page"),
        heading=str(stored.get("heading") or ""),  # rows of format 1 did not keep it
    )
    return Hit(chunk=chunk, score=float(stored.get("score") or 0.0), rank=rank)


def _unmarked(text: str, feedback: Feedback) -> str:
    """Without [1], which names a source that is not shown."""
    return _MARKS.sub("", text) if feedback.hits else text


def _topic(feedback: Feedback) -> str:
    asked = {"role": "user", "content": feedback.question}
    turns = feedback.prompt or (*feedback.history, asked)
    texts = [turn["content"] for turn in turns if turn["role"] != "system"]
    return json.dumps([" ".join(text.casefold().split()) for text in texts])


def _contents(turns: Sequence[Mapping[str, str]]) -> list[str]:
    return [turn["content"] for turn in turns]


def _origin(feedback: Feedback) -> str:
    found = [
        feedback.question,
        _contents(feedback.history),
        _contents(feedback.prompt),
        [hit.get("text") for hit in feedback.hits],
        feedback.answer,
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
