"""One flag for each question of the advisor, and one for each price; made from the questionnaire, not written out."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor import Needs
    from advisor.cost import Prices
    from advisor.phrase import Language
    from advisor.questions import Question

# Answered by flags of another meaning: --vram and --gpu choose the card, --gpus counts it, --model names the model.
_ELSEWHERE = ("vram_gib", "gpus", "model")


def add_need_flags(group: argparse._ArgumentGroup) -> None:
    """--update-days 7, --task qa, --needs-citations and --no-needs-citations; nothing is set where none is given."""
    from advisor.questions import QUESTIONS

    for question in QUESTIONS:
        if question.key not in _ELSEWHERE:
            group.add_argument(flag(question.key), dest=f"need_{question.key}", **_kind(question))


def flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _kind(question: Question) -> dict[str, Any]:
    shared: dict[str, Any] = {"help": question.text.replace("%", "%%")}
    if question.kind == "yes_no":
        return {"action": argparse.BooleanOptionalAction, "default": None, **shared}
    if question.kind == "choice":
        values = [choice.value for choice in question.choices]
        return {"choices": values, "metavar": "X", "help": f"{shared['help']} ({', '.join(values)})"}
    return {"type": str if question.kind == "text" else float, "metavar": "N", **shared}


def add_price_flags(group: argparse._ArgumentGroup) -> None:
    """--usd-per-m-input 0.5 and the other fields of Prices."""
    from advisor.cost import Prices

    for price in fields(Prices):
        group.add_argument(flag(price.name), dest=f"price_{price.name}", type=float, metavar="USD")


def needs_from_flags(args: argparse.Namespace, *earlier: Needs) -> Needs:
    """The flags over the later of `earlier` over the first; ValueError names answers that make no sense."""
    from advisor import QUESTIONS, Needs, needs_from_dict
    from advisor.contradictions import refuse_contradictions

    names = [field.name for field in fields(Needs)]
    asked = [question.key for question in QUESTIONS if question.key not in _ELSEWHERE]
    whole = {key: value for key in asked if (value := getattr(args, f"need_{key}")) is not None}
    found = Needs()
    for needs in (*earlier, needs_from_dict({**whole, "model": args.model, "gpus": args.gpus})):
        told = {key: value for key in names if (value := getattr(needs, key)) is not None}
        found = replace(found, **told)
    refuse_contradictions(found)  # each of them may be sound by itself
    return found


def prices_from_flags(args: argparse.Namespace) -> Prices | None:
    """None where no price was given. Raises ValueError for one below 0."""
    from advisor.cost import Prices

    if all(getattr(args, f"price_{price.name}") is None for price in fields(Prices)):
        return None
    return Prices(**{price.name: getattr(args, f"price_{price.name}") for price in fields(Prices)})


def questionnaire(language: Language) -> str:
    """A line for each question: its key, its wording, what may be answered; below it what helps to answer."""
    from advisor.questions import QUESTIONS

    lines = []
    for question in QUESTIONS:
        chinese = language == "zh"
        lines.append(f"{question.key}: {question.text_zh if chinese else question.text}")
        if note := question.help_zh if chinese else question.help:
            lines.append(f"    {note}")
        for choice in question.choices:
            lines.append(f"    {choice.value} = {choice.label_zh if chinese else choice.label}")
    return "\n".join(lines)
