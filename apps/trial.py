"""Measures an assistant on questions with known sources: does it cite the right document, and refuse the rest?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.assistant import Answer, Assistant


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with its gold sources; none means that the documents do not answer it."""

    text: str
    language: str = "en"
    sources: tuple[str, ...] = ()
    quote: str = ""
    split: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A question and what was answered."""

    question: Question
    answer: Answer

    @property
    def gold_cited(self) -> bool:
        return any(citation.source in self.question.sources for citation in self.answer.citations)

    @property
    def quote_cited(self) -> bool:
        gold = _plain(self.question.quote)
        quotes = (_plain(citation.quote) for citation in self.answer.citations)
        return any(quote and (quote in gold or gold in quote) for quote in quotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Shares, 0 to 1. `gold_cited` and `quote_cited` count refusals of answerable questions as misses."""

    answerable: int
    unanswerable: int
    gold_cited: float
    quote_cited: float
    wrongly_refused: float
    rightly_refused: float


def load_questions(path: str | Path) -> list[Question]:
    """Rows of a qa.jsonl: question, answerable, source, also, quote, language, split. ValueError names the line."""
    lines = Path(path).read_text("utf-8").splitlines()
    found = [
        _question(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not found:
        raise ValueError(f'{path} holds no question; a row is {{"question": ..., "source": ...}}.')
    return found


def _question(line: str, place: str) -> Question:
    try:
        row = json.loads(line)
        sources = (row["source"], *row.get("also", ())) if row.get("answerable", True) else ()
        return Question(
            text=row["question"],
            language=row.get("language", "en"),
            sources=sources,
            quote=row.get("quote") or "",
            split=row.get("split", ""),
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: not JSON ({error.msg}).") from None
    except (KeyError, TypeError, AttributeError):
        raise ValueError(
            f'{place}: a row is {{"question": ..., "source": ...}}, or has "answerable": false.'
        ) from None


def run_questions(assistant: Assistant, questions: Sequence[Question]) -> list[Outcome]:
    """Asks each question by itself, without history."""
    return [Outcome(question=question, answer=assistant.ask(question.text)) for question in questions]


def score(outcomes: Sequence[Outcome]) -> Score:
    """The shares over these outcomes; a share of nothing is 0."""
    answerable = [outcome for outcome in outcomes if outcome.question.answerable]
    unanswerable = [outcome for outcome in outcomes if not outcome.question.answerable]
    return Score(
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        gold_cited=_share([outcome.gold_cited for outcome in answerable]),
        quote_cited=_share([outcome.quote_cited for outcome in answerable]),
        wrongly_refused=_share([outcome.answer.refused for outcome in answerable]),
        rightly_refused=_share([outcome.answer.refused for outcome in unanswerable]),
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


def _plain(text: str) -> str:
    return "".join(text.split())
