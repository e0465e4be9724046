"""A question that leans on the conversation becomes one that can be searched alone, by rules or by a model.

What is brought in are the content words of the question before, less those that the new one replaces: after
"What was revenue in 2023?", "And in 2024?" is searched as "revenue in 2024".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.followups import LEADS, content_words, leaning

Turn = Mapping[str, str]
Writer = Callable[[list[dict[str, str]]], str]  # messages in, text out

_TURNS = 4  # earlier questions looked at
MOST_CHARACTERS = 300  # of a model's question

_INSTRUCTION = (
    "Rewrite the last question so that it can be understood without the conversation. Keep its language, its names "
    "and numbers. Reply with the question alone, in one line."
)
# What a question can have one of: its own replaces that of the question before.
_SLOTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:\b(?:in|for|of|during|since|until|by)\s+)?(?<!\d)(?:19|20)\d{2}(?!\d)\s*年?(?:度)?",
        r"(?:\b(?:in|for|of)\s+)?(?:the\s+)?(?:\b(?:first|second|third|fourth)\s+quarter\b|\bq[1-4]\b)"
        r"|第?[一二三四1-4]季度",
        r"(?:\b(?:in|for|of)\s+)?(?:the\s+)?\b(?:first|second)\s+half\b(?:\s+of\b)?|[上下]半年",
        r"(?:\b(?:in|for|of|on)\s+)?\b(?:january|february|march|april|may|june|july|august|september|october|november"
        r"|december)\b|(?<!\d)(?:1[0-2]|[1-9])月份?",
        r"(?:\bon\s+)?\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|(?:周|星期|礼拜)[一二三四五六日天]",
    )
)
_PREPOSITION = re.compile(
    r"(?:for|at|with|from|after|before|under|by|without|outside|inside)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A question as it was asked and as it is searched; `reason` is "" where they are the same."""

    asked: str
    searched: str
    reason: str = ""


def rewrite_query(question: str, history: Sequence[Turn], writer: Writer | None = None) -> Rewritten:
    """The question alone, or with what it leans on in the user's earlier turns.

    `writer` is a model that is asked only about a question that leans; where its answer is empty, too long or shares
    no word with the conversation, the rule's is taken.
    """
    earlier = [turn["content"] for turn in history if turn["role"] == "user" and turn["content"].strip()]
    sign = leaning(question) if earlier else ""
    if not sign:
        return Rewritten(asked=question, searched=question)
    searched = _resolved(question, earlier[-_TURNS:])
    if writer is not None and (written := _written(question, history, writer)):
        return Rewritten(asked=question, searched=written, reason=f"{sign}; written by the model")
    if searched == question:
        return Rewritten(asked=question, searched=question)
    return Rewritten(asked=question, searched=searched, reason=f"{sign}; joined to the question before")


def _resolved(question: str, earlier: Sequence[str]) -> str:
    """Each earlier question may lean on the one before it."""
    before = ""
    for turn in [*earlier, question]:
        before = _joined(before, turn) if before and leaning(turn) else turn.strip()
    return before


def _joined(before: str, question: str) -> str:
    """The content words of the question before that this one does not replace, then this one."""
    own = LEADS.sub("", question.strip()).strip(" ,，、") or question.strip()
    kept = before
    for slot in _SLOTS:
        if slot.search(own):
            kept = slot.sub(" ", kept)
    if lead := _PREPOSITION.match(own):
        kept = re.sub(
            rf"\b{lead[0]}\s+[^,?.]*?(?=\s+(?:in|on|for|at|of|per)\b|[,?.]|$)", " ", kept, flags=re.IGNORECASE
        )
    said = set(content_words(own))
    words = [word for word in content_words(kept) if word not in said]
    return " ".join([*words, own])


def _written(question: str, history: Sequence[Turn], writer: Writer) -> str:
    """The model's question, "" where it is of no use."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in history[-2 * _TURNS :]]
    said = writer(
        [{"role": "system", "content": _INSTRUCTION}, *turns, {"role": "user", "content": question}]
    )
    lines = said.strip().strip("\"'“”").splitlines()
    if len(lines) != 1 or len(lines[0]) > MOST_CHARACTERS:
        return ""
    known = {
        word.casefold() for turn in [*turns, {"content": question}] for word in content_words(turn["content"])
    }
    return lines[0] if any(word.casefold() in known for word in content_words(lines[0])) else ""
