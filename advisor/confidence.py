"""How sure the answer is: from its margin, and from what the open questions could still make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .case import Case
from .counterfactuals import way_name
from .phrase import Phrase, say
from .probes import Probe
from .questions import QUESTIONS
from .ranking import Standing

_CLEAR, _SLIGHT = 1.5, 0.6  # points between the best option and the best one of another strategy
_FEW, _SOME = 0.15, 0.35  # share of the possible answers to open questions that would lead elsewhere
_WORST = 3.0  # points: what an answer costs at most that today's strategy could not follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """An open question: what staying with today's strategy would cost on average over its possible answers."""

    key: str
    loss: float  # points
    turns: tuple[tuple[Probe, Standing], ...]  # the answers that lead elsewhere, and where


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    level: Literal["high", "medium", "low"]
    because: Phrase
    unanswered: tuple[str, ...]  # open questions that could turn the answer, the most telling first


def sureness(
    case: Case, order: Sequence[Standing], answers: Sequence[tuple[Probe, Sequence[Standing]]]
) -> Sureness:
    """`answers` are the possible answers to all questions with the order that would follow."""
    open_answers = [(probe, then) for probe, then in answers if getattr(case.needs, probe.key) is None]
    doubts = _doubts(order[0], open_answers)
    turning = sum(len(doubt.turns) for doubt in doubts)
    share = turning / len(open_answers) if open_answers else 0.0
    lead = margin(order)
    level: Literal["high", "medium", "low"] = "low"
    if lead >= _CLEAR and share <= _FEW:
        level = "high"
    elif lead >= _SLIGHT and share <= _SOME:
        level = "medium"
    because = _because(order, lead, share, doubts)
    return Sureness(level=level, because=because, unanswered=tuple(doubt.key for doubt in doubts))


def margin(order: Sequence[Standing]) -> float:
    """Points to the best way of another strategy that can work."""
    other = runner_up(order)
    return order[0].score - (other.score if other else 0.0)


def runner_up(order: Sequence[Standing]) -> Standing | None:
    others = (found for found in order if found.strategy != order[0].strategy and found.rejected is None)
    return next(others, None)


def _doubts(best: Standing, answers: Sequence[tuple[Probe, Sequence[Standing]]]) -> list[Doubt]:
    """Open questions of which an answer leads to another strategy; those that cost most come first."""
    keys = dict.fromkeys(probe.key for probe, _ in answers)
    found = []
    for key in keys:
        mine = [(probe, then) for probe, then in answers if probe.key == key]
        turns = tuple((probe, then[0]) for probe, then in mine if then[0].strategy != best.strategy)
        loss = sum(loss_of_staying(best, then) for _, then in mine) / len(mine)
        if turns:
            found.append(Doubt(key=key, loss=loss, turns=turns))
    return sorted(found, key=lambda doubt: -doubt.loss)


def loss_of_staying(best: Standing, then: Sequence[Standing]) -> float:
    """Points by which today's strategy would stand behind the best."""
    mine = next((s for s in then if s.strategy == best.strategy and s.rejected is None), None)
    return _WORST if mine is None else min(_WORST, then[0].score - mine.score)


def _because(order: Sequence[Standing], lead: float, share: float, doubts: Sequence[Doubt]) -> Phrase:
    other = runner_up(order)
    if other is None:
        ahead = say("Nothing else can work")
    else:
        ahead = say("It is {points:.1f} points ahead of {other}", points=lead, other=way_name(other))
    if not doubts:
        return say("{ahead}, and no open question would change it.", ahead=ahead)
    most = doubts[0]
    return say(
        '{ahead}, and {share:.0%} of the possible answers to open questions would change it; most of all "{question}" '
        "({outcomes}).",
        ahead=ahead,
        share=share,
        question=_question(most.key),
        outcomes=_outcomes(most),
    )


def _question(key: str) -> str:
    return next(question.text for question in QUESTIONS if question.key == key)


def _outcomes(doubt: Doubt) -> Phrase:
    """'Behaviour: fine-tuning, LoRA; Both: retrieval and fine-tuning, LoRA'."""
    said = [say("{answer}: {way}", answer=probe.answer, way=way_name(then)) for probe, then in doubt.turns]
    chain = said[-1]
    for text in reversed(said[:-1]):
        chain = say("{first}; {rest}", first=text, rest=chain)
    return chain
