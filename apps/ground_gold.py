"""Finds the passage of an index that holds an example's answer: by the document it names, its words, its support."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from apps.finding import find_hits
from rag.inert import without_controls
from rag.marks import find_marks
from rag.prompt import refusal
from rag.schema import Chunk, Hit
from rag.sentences import sentence_spans
from rag.support import best_support

# Answers that any passage may hold by chance: only a named document tells where they come from.
_SAYS_NOTHING = frozenset(
    ("yes", "no", "true", "false", "maybe", "unknown", "是", "否", "有", "没有", "不是", "对", "不对")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An example as it is asked at work: the question, what was said before it, and its answer without marks."""

    question: str
    answer: str
    history: tuple[dict[str, str], ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the answer is that the documents hold none."""
        return self.answer.strip("\"' ").startswith(refusal(self.question))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """The passage that answers. `how`: exact, support, or source (the example names it; no sentence shows it)."""

    hit: Hit
    how: str
    rank: int | None  # among what the question alone finds, from 1


class Seeker:
    """Searches an index as an assistant does; remembers what it holds."""

    def __init__(self, index: Any, look: int) -> None:
        self._index = index
        self._look = look

    def found(self, asked: Asked, k: int | None = None) -> tuple[Hit, ...]:
        """What the question finds, joined to what it leans on; no model rewrites it."""
        return find_hits(self._index, _Rules(), asked.question, asked.history, k or self._look).hits

    def gold(self, asked: Asked, found: Sequence[Hit]) -> Gold | None:
        """The passage among `found`, of the documents that the example names, or near its question and answer."""
        if asked.refused:
            return None
        if named := self.named(asked.sources):
            among = self._index.search(asked.question, k=self._look, where={"source": named})
        elif asked.answer.casefold().strip(" .。!！") in _SAYS_NOTHING:
            return None
        else:
            near = self._index.search(f"{asked.question} {asked.answer}", k=self._look)
            places = {place(hit.chunk) for hit in found}
            among = [*found, *(hit for hit in near if place(hit.chunk) not in places)]
        best = _best(asked.answer, among)
        if best is None and named and among:
            best = among[0], "source"
        if best is None:
            return None
        ranks = {place(hit.chunk): rank for rank, hit in enumerate(found, 1)}
        return Gold(hit=best[0], how=best[1], rank=ranks.get(place(best[0].chunk)))

    def named(self, sources: Sequence[str]) -> tuple[str, ...]:
        """The index's names of these documents: whole, or by a file's name or stem that only one of them has."""
        return tuple(dict.fromkeys(found for one in sources if (found := self._names.get(one.strip()))))

    @cached_property
    def _names(self) -> dict[str, str]:
        held = [document.source for document in self._index.documents()]
        short: dict[str, set[str]] = {}
        for source in held:
            path = PurePosixPath(source)
            for name in (path.name, path.stem):
                short.setdefault(name, set()).add(source)
        return {name: min(of) for name, of in short.items() if len(of) == 1} | {name: name for name in held}


class _Rules:
    """Stands for a generator where a follow-up question is rewritten by rules alone."""

    quotes = True


def place(chunk: Chunk) -> tuple[str, int, int]:
    return chunk.source, chunk.start, chunk.end


def holds(answer: str, chunk: Chunk) -> bool:
    """Whether a passage holds the answer, whole or by what supports at least half of its sentences."""
    return _is_in(answer, chunk.text) or _support(answer, chunk)[0] >= 0.5


def _best(answer: str, among: Sequence[Hit]) -> tuple[Hit, str] | None:
    """The first that holds the answer word for word, else the one that supports most of it."""
    exact = next((hit for hit in among if _is_in(answer, hit.chunk.text)), None)
    if exact is not None:
        return exact, "exact"
    degrees = [_support(answer, hit.chunk) for hit in among]
    at = max(range(len(among)), key=lambda at: (degrees[at], -at), default=None)
    return None if at is None or degrees[at][0] < 0.5 else (among[at], "support")


def _support(answer: str, chunk: Chunk) -> tuple[float, float]:
    """The share of the answer's sentences that the passage supports, and how well on average."""
    from rag.words import tokenize  # loads jieba

    sentences = [answer[slice(*span)] for span in sentence_spans(answer)]
    found = [one.degree for said in sentences if (one := best_support(said, chunk, tokenize)) is not None]
    return (len(found) / len(sentences), sum(found) / len(sentences)) if sentences else (0.0, 0.0)


def _is_in(answer: str, text: str) -> bool:
    """Word for word, whatever the case, the width of letters and the white space; Chinese has no edges of words."""
    wanted = _plain(answer).strip(" .。!！")
    if not wanted or wanted in _SAYS_NOTHING:
        return False
    left = r"(?<![^\W\u3400-\u9fff])(?<!\d[.,])" if re.match(r"[^\W\u3400-\u9fff]", wanted) else ""
    right = r"(?![^\W\u3400-\u9fff])(?![.,]\d)" if re.search(r"[^\W\u3400-\u9fff]\Z", wanted) else ""
    return re.search(left + re.escape(wanted) + right, _plain(text)) is not None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", without_controls(text)).casefold().split())


def without_marks(answer: str) -> str:
    """The answer without the numbers of sources that it was given with earlier."""
    for mark in reversed(find_marks(answer)):
        answer = answer[: mark.start] + answer[mark.end :]
    return answer.strip()
