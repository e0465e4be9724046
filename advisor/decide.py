"""Enumerates every way to adapt, rejects what cannot work, ranks the rest and says what would change the answer.

The module is not called recommend.py: a submodule of the name of the function would replace it in the package.
"""

from __future__ import annotations

from typing import Literal

from .case import Case
from .catalog import evidence
from .commands import command_lines
from .counterfactuals import telling_questions, what_would_change
from .learn import learn_needs
from .ranking import rank
from .schema import DataProfile, Hardware, Needs, Option, Recommendation

_CLEAR, _SLIGHT = 1.5, 0.6  # points between the best option and the best one of another strategy


def recommend(
    hardware: Hardware | None = None, data: DataProfile | None = None, needs: Needs | None = None
) -> Recommendation:
    """Ranks the options for a machine, data and needs; None means unknown, and what is unknown widens the answer.

    Raises ValueError for a model that neither the catalogue nor a folder holds.
    """
    filled, learned = learn_needs(data, needs or Needs())
    case = Case(hardware=hardware, data=data, needs=filled, learned=learned)
    options = rank(case)
    commands = command_lines(case, options[0])
    unanswered = telling_questions(case, options)
    return Recommendation(
        options=options,
        confidence=_confidence(options, unanswered),
        first_step=_first_step(filled),
        would_change=what_would_change(case, options),
        next_command=commands[0],
        commands=commands,
        hardware=hardware,
        data=data,
        needs=filled,
        learned=dict(learned),
        unanswered=unanswered,
    )


def _confidence(options: tuple[Option, ...], unanswered: tuple[str, ...]) -> Literal["high", "medium", "low"]:
    """From the margin to the next strategy and from how many open questions could turn the answer."""
    best = options[0]
    others = [option for option in options if option.strategy != best.strategy and option.rejected is None]
    margin = best.score - max((option.score for option in others), default=0.0)
    if margin >= _CLEAR and len(unanswered) <= 3:
        return "high"
    return "medium" if margin >= _SLIGHT and len(unanswered) <= 5 else "low"


def _first_step(needs: Needs) -> str | None:
    """The prompt baseline, unless prompting was tried already."""
    if needs.prompting_tried or needs.prompting_sufficient is not None:
        return None
    return (
        "Measure a plain prompt on 10 or more of your own questions first, and stop there if at least 8 are good "
        f"enough. [{evidence('prompt_first').cited}]"
    )
