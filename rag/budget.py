"""What of sources and history goes into a prompt of limited length (pure): whole sentences, the best hits first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil

from rag.sentences import Span, sentence_spans

CountTokens = Callable[[str], int]

_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef\U00020000-\U0003ffff]")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
GAP = " … "  # stands where sentences were left out
TURN_TOKENS = 8  # what a chat template writes around a turn, at most, in the families seen


def estimate_tokens(text: str) -> int:
    """Tokens of a text whose tokenizer is not at hand, on the safe side.

    English runs at about four characters a token, Chinese at one to two tokens a character by vocabulary.
    """
    chinese = len(_CJK.findall(text))
    return ceil(1.5 * chinese + (len(text) - chinese) / 3)


def edges(count: int) -> list[int]:
    """Positions of `count` items, the best at both ends and the weakest in the middle: 0 2 4 … 5 3 1.

    Models use the middle of a long context least (Liu et al., arXiv 2307.03172).
    """
    return [*range(0, count, 2), *reversed(range(1, count, 2))]


def recent_turns(
    history: Sequence[Mapping[str, str]], room: int, count: CountTokens
) -> list[Mapping[str, str]]:
    """The newest turns that fit; what is left begins with a user's turn, as templates demand."""
    kept: list[Mapping[str, str]] = []
    for turn in reversed(history):
        room -= count(turn["content"]) + TURN_TOKENS
        if room < 0:
            break
        kept.insert(0, turn)
    while len(kept) < len(history) and kept and kept[0]["role"] != "user":
        kept.pop(0)
    return kept


def fitting(
    texts: Sequence[str], costs: Sequence[int], room: int, count: CountTokens, question: str
) -> dict[int, str]:
    """Position -> text of what fits: the best whole, the first that does not fit by sentences, the rest not at all.

    `texts` come best first; `costs` are the tokens of what stands around each.
    """
    kept: dict[int, str] = {}
    for position, (text, cost) in enumerate(zip(texts, costs, strict=True)):
        needed = count(text) + cost
        if needed <= room:
            kept[position] = text
            room -= needed
            continue
        if trimmed := best_sentences(text, room - cost, count, question):
            kept[position] = trimmed
        break
    return kept


def best_sentences(text: str, room: int, count: CountTokens, question: str) -> str:
    """The sentences that share most words with the question, as many as fit, in the order of the text."""
    asked = _words(question)
    spans = sentence_spans(text)
    worth = [len(asked & _words(text[slice(*span)])) for span in spans]
    useful = [at for at in range(len(spans)) if worth[at]] or list(range(len(spans)))
    chosen: list[int] = []
    for at in sorted(useful, key=lambda at: -worth[at]):
        if count(_joined(text, spans, sorted([*chosen, at]))) <= room:
            chosen.append(at)
    return _joined(text, spans, sorted(chosen))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _joined(text: str, spans: Sequence[Span], chosen: Sequence[int]) -> str:
    """Neighbours with what stood between them, others with a sign that something is missing."""
    pieces: list[str] = []
    for place, at in enumerate(chosen):
        if place:
            before = chosen[place - 1]
            pieces.append(text[spans[before][1] : spans[at][0]] if before + 1 == at else GAP)
        pieces.append(text[slice(*spans[at])])
    return "".join(pieces)
