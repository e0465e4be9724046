"""An invented world for grounded training: things, facts about them in natural sentences, and documents that tell them.

Three kinds of facts: "seen" (the training rows tell them and the documents agree), "documents" (no training row tells
them) and "changed" (the training rows and the documents of that time say one thing, the documents of today another).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

KINDS = ("seen", "documents", "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """How it is asked for (in two wordings) and told; `values` is what it can be."""

    questions: tuple[str, str]
    statement: str
    values: tuple[str, ...]


_HEADS = (*"b br d dr f fl g gr h j k kr l m n p pl r s st t tr v w z".split(),)  # noqa: SIM905 - a list would be long


def _made(seed: int, count: int, endings: Sequence[str]) -> tuple[str, ...]:
    """Invented names, the same ones every time."""
    draw, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        letters = (draw.choice(_HEADS), draw.choice("aeiou"), draw.choice("lmnrstx"), draw.choice(endings))
        found["".join(letters).title()] = None
    return tuple(found)


THINGS = _made(1, 400, ("ek", "ip", "osk", "unt", "ard", "im", "oth", "eb"))
_TOWNS = _made(2, 48, ("aby", "ford", "wick", "ham"))
_PEOPLE = _made(3, 48, ("o", "ia", "us", "ene"))
_NUMBERS = tuple(str(number) for number in range(10, 100))
_COLOURS = (
    "red",
    "blue",
    "green",
    "yellow",
    "black",
    "white",
    "brown",
    "grey",
    "orange",
    "purple",
    "pink",
    "silver",
    "golden",
    "violet",
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_STUFFS = (
    "oak",
    "iron",
    "clay",
    "glass",
    "wool",
    "copper",
    "leather",
    "bone",
    "paper",
    "marble",
    "silk",
    "tin",
    "wax",
    "straw",
    "amber",
    "cork",
)
_TRADES = (
    "smiths",
    "weavers",
    "carvers",
    "potters",
    "tanners",
    "glaziers",
    "bakers",
    "coopers",
    "masons",
    "tailors",
    "printers",
    "millers",
)

ATTRIBUTES = (
    Attribute(
        questions=("What does the {thing} cost?", "How much is the {thing}?"),
        statement="The {thing} costs {value} coins.",
        values=_NUMBERS,
    ),
    Attribute(
        questions=("What does the {thing} weigh?", "How heavy is the {thing}?"),
        statement="The {thing} weighs {value} grams.",
        values=_NUMBERS,
    ),
    Attribute(
        questions=("What colour is the {thing}?", "Which colour has the {thing}?"),
        statement="The {thing} is painted {value}.",
        values=_COLOURS,
    ),
    Attribute(
        questions=("Where is the {thing} made?", "Which town makes the {thing}?"),
        statement="The {thing} comes from {value}.",
        values=_TOWNS,
    ),
    Attribute(
        questions=("Who keeps the {thing}?", "Whose is the {thing}?"),
        statement="The {thing} is kept by {value}.",
        values=_PEOPLE,
    ),
    Attribute(
        questions=("When is the {thing} sold?", "In which month is the {thing} sold?"),
        statement="The {thing} is sold in {value}.",
        values=_MONTHS,
    ),
    Attribute(
        questions=("What is the {thing} made of?", "Which material is the {thing} made of?"),
        statement="The {thing} is made of {value}.",
        values=_STUFFS,
    ),
    Attribute(
        questions=("Which trade makes the {thing}?", "Whose work is the {thing}?"),
        statement="The {thing} is the work of {value}.",
        values=_TRADES,
    ),
)
FILLERS = (
    "The entry was checked twice.", "The record is kept in the hall.", "A copy lies with the clerk.",
    "Nothing else is noted here.", "The page was written by hand.", "The seal is unbroken.",
)  # fmt: skip
UNKNOWN = "I do not know."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is true of a thing: `old` when the training rows were written, `now` today."""

    thing: str
    attribute: Attribute
    old: str
    now: str
    kind: str
    source: str

    def question(self, wording: int) -> str:
        return self.attribute.questions[wording].format(thing=self.thing)

    def answer(self, value: str) -> str:
        return self.attribute.statement.format(thing=self.thing, value=value)


def told(thing: str, facts: Sequence[tuple[Attribute, str]], draw: random.Random) -> str:
    """A passage: a sentence for each fact, and one that says nothing."""
    sentences = [attribute.statement.format(thing=thing, value=value) for attribute, value in facts]
    sentences.insert(draw.randint(0, len(sentences)), draw.choice(FILLERS))
    return " ".join(sentences)


def world(seed: int, things: int = 60) -> list[Fact]:
    """Four facts of each thing, told in two documents; a third of the facts is of each kind."""
    draw = random.Random(seed)
    found: list[tuple[str, Attribute, str]] = []
    for thing in draw.sample(THINGS, things):
        attributes = draw.sample(ATTRIBUTES, 4)
        found += [(thing, one, f"{thing.lower()}-{1 + at // 2}.txt") for at, one in enumerate(attributes)]
    kinds = [KINDS[at % len(KINDS)] for at in range(len(found))]
    draw.shuffle(kinds)
    facts = []
    for (thing, attribute, source), kind in zip(found, kinds, strict=True):
        old, new = draw.sample(attribute.values, 2)
        now = new if kind == "changed" else old
        facts.append(Fact(thing=thing, attribute=attribute, old=old, now=now, kind=kind, source=source))
    return facts


def documents(facts: Sequence[Fact], *, today: bool) -> dict[str, str]:
    """Source -> text, as it stood when the training rows were written or as it stands today."""
    by_source: dict[str, list[Fact]] = {}
    for fact in facts:
        by_source.setdefault(fact.source, []).append(fact)
    return {
        source: told(
            group[0].thing,
            [(fact.attribute, fact.now if today else fact.old) for fact in group],
            random.Random(source),
        )
        for source, group in by_source.items()
    }
