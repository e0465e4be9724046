"""Enumerates every way to adapt, rejects what cannot work, ranks the rest and says what would change the answer.

The module is not called recommend.py: a submodule of the name of the function would replace it in the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .case import Case, cited
from .catalog import model_of_size, resolve_model
from .commands import command_lines, next_command
from .confidence import sureness
from .contradictions import contradictions
from .counterfactuals import what_would_change
from .hardware import hardware_with_vram
from .learn import learn_needs
from .near_ties import near_ties
from .phrase import Phrase, say
from .probes import possible
from .ranking import rank, standings
from .schema import DataProfile, Hardware, ModelSpec, Needs, Recommendation

if TYPE_CHECKING:
    from .cost import Prices


def recommend(
    hardware: Hardware | None = None,
    data: DataProfile | None = None,
    needs: Needs | None = None,
    *,
    prices: Prices | None = None,
) -> Recommendation:
    """Ranks the options for a machine, data and needs; None means unknown, and what is unknown widens the answer.

    Answers that contradict each other are refused where they are read (needs_from_dict, read_needs); here they leave
    little confidence, and the recommendation says which. Raises ValueError for a model that neither the catalogue nor
    a folder holds.
    """
    case = case_of(hardware, data, needs or Needs(), prices)
    options, order = rank(case), standings(case)
    answers = [(probe, standings(other)) for probe, other in possible(case)]
    sure, clash = sureness(case, order, answers), contradictions(case.needs)
    commands = command_lines(case, options)
    return Recommendation(
        options=options,
        confidence="low" if clash else sure.level,
        confidence_because=clash[0] if clash else sure.because,
        near_ties=near_ties(options),
        first_step=_first_step(case.needs),
        would_change=what_would_change(case, order, [(probe, then[0]) for probe, then in answers]),
        next_command=next_command(commands),
        commands=commands,
        hardware=case.hardware,
        data=data,
        needs=case.needs,
        learned=dict(case.learned),
        unanswered=sure.unanswered,
    )


def case_of(
    hardware: Hardware | None, data: DataProfile | None, needs: Needs, prices: Prices | None = None
) -> Case:
    """Everything that is known, in one place: answers, what the data tells, the machine or the one that is planned."""
    filled, learned = learn_needs(data, needs)
    if hardware is None and needs.vram_gib is not None:
        hardware = hardware_with_vram(needs.vram_gib, count=needs.gpus or 1)
    model = _named_model(needs)
    return Case(hardware=hardware, data=data, needs=filled, learned=learned, model=model, prices=prices)


def _named_model(needs: Needs) -> ModelSpec | None:
    """The model that the user named, or the catalogued one nearest to the size given."""
    if needs.model:
        return resolve_model(needs.model)
    return None if needs.model_params_b is None else model_of_size(needs.model_params_b)


def _first_step(needs: Needs) -> Phrase | None:
    """The prompt baseline, unless prompting was tried already."""
    if needs.prompting_tried or needs.prompting_sufficient is not None:
        return None
    return say(
        "Measure a plain prompt on 10 or more of your own questions first, and stop there if at least 8 are good "
        "enough. [{source}]",
        source=cited("prompt_first"),
    )
