"""Options that are nearly as good as the best one, and what separates them, from the differences of their reasons."""

from __future__ import annotations

from collections.abc import Sequence

from .phrase import Phrase, say
from .schema import Option, Reason
from .wording import option_name

TIE_POINTS = 0.75  # less than what a single answer of some weight gives


def near_ties(options: Sequence[Option]) -> tuple[Phrase, ...]:
    """One sentence for the best option of each other strategy that is close behind."""
    best, seen, found = options[0], {options[0].strategy}, []
    for option in options:
        if option.strategy in seen or option.rejected is not None:
            continue
        seen.add(option.strategy)
        if best.score - option.score < TIE_POINTS:
            found.append(_tie(best, option))
    return tuple(found)


def _tie(best: Option, other: Option) -> Phrase:
    """The reasons whose weights differ most: one for the best option and, where there is one, one for the other."""
    for_best, for_other = _separating(best, other), _separating(other, best)
    names = {"other": option_name(other), "best": option_name(best), "points": best.score - other.score}
    if for_best is None and for_other is None:
        return say("{other} is as good as {best}: nothing that is known separates them.", **names)
    if for_other is None and for_best is not None:
        return say("{other} is {points:.1f} points behind {best}: {pro}", **names, pro=for_best.text)
    if for_best is None and for_other is not None:
        return say("{other} is {points:.1f} points behind {best}, though: {con}", **names, con=for_other.text)
    assert for_best is not None and for_other is not None
    return say(
        "{other} is {points:.1f} points behind {best}. For {best}: {pro} For {other}: {con}",
        **names,
        pro=for_best.text,
        con=for_other.text,
    )


def _separating(one: Option, other: Option) -> Reason | None:
    """The reason that gives `one` the most points over `other`, the general preference for simplicity last."""
    points = {reason.rule: reason.weight for reason in (*other.reasons, *other.against)}
    more = [
        (reason.weight - points.get(reason.rule, 0.0), reason)
        for reason in (*one.reasons, *one.against)
        if reason.weight > points.get(reason.rule, 0.0)
    ]
    absent = [
        (-reason.weight, reason)
        for reason in other.against
        if reason.rule not in {r.rule for r in (*one.reasons, *one.against)}
    ]
    ranked = sorted([*more, *absent], key=lambda pair: (pair[1].rule == "simplicity", -pair[0]))
    return ranked[0][1] if ranked else None
