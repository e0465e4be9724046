"""Scores each way to adapt with the rules, fits it to the machine, and orders what can work before what cannot.

`standings` is the quick half, asked hundreds of times for what would change the answer; `rank` adds the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .case import Case, Verdict, answer_fact, cited
from .fitting import Placement
from .machine_reasons import Bench, bench_of, cannot_work
from .option_figures import Figures, figures_of
from .options import Way, measured, options_for
from .phrase import Phrase, say
from .rules import RULES
from .schema import Option, Reason, Strategy

Named = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Standing:
    """One way with its points and its place on the machine; `rejected` says why it cannot work."""

    strategy: Strategy
    method: str
    score: float
    placed: Placement
    rejected: Phrase | None

    @property
    def ways(self) -> tuple[str, str, str]:
        return self.strategy, self.method, self.placed.model.name


def rank(case: Case) -> tuple[Option, ...]:
    """Every option, best first, rejected ones last; ties keep the order of OPTIONS, which puts the simpler first."""
    verdicts = _verdicts(case)
    return tuple(_explained(case, found, verdicts) for found in standings(case, verdicts))


def standings(case: Case, verdicts: Sequence[Named] | None = None) -> list[Standing]:
    """The same order without the words."""
    verdicts = _verdicts(case) if verdicts is None else verdicts
    ways = bench_of(case)
    found = [_standing(case, ways, way, verdicts) for way in options_for(case)]
    return sorted(found, key=lambda standing: (standing.rejected is not None, -standing.score))


def _verdicts(case: Case) -> list[Named]:
    return [(rule.__name__, verdict) for rule in RULES if (verdict := rule(case)) is not None]


def _standing(case: Case, ways: Bench, way: Way, verdicts: Sequence[Named]) -> Standing:
    strategy, method = way
    fit = ways.fit(strategy, method, case.needs.corpus_tokens)
    score = fit.points + sum(points(verdict, strategy, method) for _, verdict in verdicts)
    rejected = _vetoed(strategy, verdicts) or cannot_work(case, strategy, method, fit.placed)
    return Standing(strategy, method, round(score, 3), fit.placed, rejected)


def points(verdict: Verdict, strategy: str, method: str) -> float:
    """What a verdict gives to a way: its strategy's points and its method's; "" stands for this way alone."""
    weights = verdict.weights
    return weights.get(strategy, 0.0) + weights.get(method, 0.0) + weights.get("", 0.0)


def _vetoed(strategy: str, verdicts: Sequence[Named]) -> Phrase | None:
    for _, verdict in verdicts:
        if strategy in verdict.vetoes:
            return say("{text}.", text=verdict.text)
    return None


def _explained(case: Case, found: Standing, verdicts: Sequence[Named]) -> Option:
    strategy, method, placed = found.strategy, found.method, found.placed
    named = (*verdicts, *bench_of(case).fit(strategy, method, case.needs.corpus_tokens).verdicts)
    reasons = [_reason(case, name, verdict, points(verdict, strategy, method)) for name, verdict in named]
    strongest = sorted((r for r in reasons if r.weight), key=lambda reason: -abs(reason.weight))
    figures = Figures() if found.rejected else figures_of(case, strategy, placed)
    return Option(
        strategy=strategy,
        method=method,
        model=placed.model.name,
        score=found.score,
        fits=placed.fits,
        train_memory=placed.train,
        serve_memory=placed.serve,
        time=figures.time,
        cost=figures.cost,
        reasons=tuple(reason for reason in strongest if reason.weight > 0),
        against=tuple(reason for reason in strongest if reason.weight < 0),
        evidence=measured(strategy, method),
        rejected=found.rejected,
        device=placed.device,
    )


def _reason(case: Case, name: str, verdict: Verdict, weight: float) -> Reason:
    how = case.learned.get(verdict.need) if verdict.need else None
    if how:
        text = say("{text} (read from your data: {how}).", text=verdict.text, how=how)
    else:
        text = say("{text}.", text=verdict.text)
    fact = verdict.fact or (answer_fact(case, verdict.need) if verdict.need else "")
    return Reason(rule=name, text=text, weight=weight, source=cited(verdict.evidence), fact=fact)
