"""What would change the answer, found by deciding again with one thing changed; nothing here is written beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .case import Case
from .phrase import Phrase, say
from .probes import Probe
from .ranking import Standing
from .thresholds import first_turn, leader_with, standings_with_card
from .wording import METHODS, STRATEGIES

# Numbers that are tried before the interval between two of them is halved; thresholds themselves are not written here.
_GRIDS: dict[str, tuple[float, ...]] = {
    "labelled_examples": (0, 10, 100, 1_000, 10_000, 100_000),
    "update_days": (1, 5, 25, 125, 625, 3_125),
    "corpus_tokens": (1_000, 30_000, 1_000_000, 30_000_000),
    "queries_per_day": (10, 1_000, 100_000, 10_000_000),
}
_CARDS_GIB = (4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_CARD_STEP_GIB = 0.1
_LONGEST_LIST, _MOST_NUMBERS = 8, 4


def what_would_change(
    case: Case, order: Sequence[Standing], answers: Sequence[tuple[Probe, Standing]]
) -> tuple[Phrase, ...]:
    """Sentences, each a changed fact and the answer that it leads to; numbers first, with their exact threshold.

    `answers` are possible answers to the questions, each with the way that would then be best.
    """
    best = order[0]
    lines = [*list(_numbers(case, best))[:_MOST_NUMBERS], *_cards(case, order)]
    lines += [
        say("{words}: {change}.", words=probe.words, change=change(best, other))
        for probe, other in answers
        if probe.words is not None and other.strategy != best.strategy
    ]
    return tuple(lines[:_LONGEST_LIST])


def _numbers(case: Case, best: Standing) -> Iterator[Phrase]:
    """For each number the thresholds nearest to today's answer, above and below."""

    def same(found: Standing) -> bool:
        return found.strategy == best.strategy

    for key, grid in _GRIDS.items():
        leader, have = leader_with(case, key), getattr(case.needs, key)
        above = grid if have is None else (have, *(value for value in grid if value > have))
        below = grid if have is None else (*(value for value in grid if value < have), have)
        more = first_turn(leader, above, same)
        if more is not None:
            yield _from(key, more.value, change(best, more.outcome))
        less = first_turn(leader, below[::-1], same)
        if less is not None:
            yield _up_to(key, less.value, change(best, less.outcome))


def _from(key: str, value: float, what: Phrase) -> Phrase:
    if key == "labelled_examples":
        return say("From {value:,.0f} labelled examples on: {change}.", value=value, change=what)
    if key == "update_days":
        return say("If the documents changed only every {value:g} days: {change}.", value=value, change=what)
    if key == "corpus_tokens":
        return say("From {value:,.0f} tokens of documents on: {change}.", value=value, change=what)
    return say("From {value:,.0f} questions a day on: {change}.", value=value, change=what)


def _up_to(key: str, value: float, what: Phrase) -> Phrase:
    if key == "labelled_examples":
        return say("With {value:,.0f} labelled examples or fewer: {change}.", value=value, change=what)
    if key == "update_days":
        return say(
            "If the documents changed every {value:g} days or more often: {change}.", value=value, change=what
        )
    if key == "corpus_tokens":
        return say("With documents of {value:,.0f} tokens or fewer: {change}.", value=value, change=what)
    return say("With {value:,.0f} questions a day or fewer: {change}.", value=value, change=what)


def _cards(case: Case, order: Sequence[Standing]) -> Iterator[Phrase]:
    """The size of card from which the best option, or else the best way to train, is another one."""
    if case.hardware is None:
        return
    have, with_card = round(case.hardware.vram_gib, 1), standings_with_card(case)
    larger = (have, *(size for size in _CARDS_GIB if size > have)) if have else (0.0, *_CARDS_GIB)
    best, trained = order[0], _tuned(order)

    def outcome(vram_gib: float) -> Sequence[Standing]:
        return order if vram_gib == larger[0] else with_card(vram_gib)

    turn = first_turn(outcome, larger, lambda found: found[0].ways == best.ways, _CARD_STEP_GIB)
    if turn is not None:
        what = change(best, turn.outcome[0], model=True)
        yield say("With a card of {size:g} GiB or more: {change}.", size=round(turn.value, 1), change=what)
        return
    turn = first_turn(
        outcome, larger, lambda found: _way_to_train(found) == _way_to_train(order), _CARD_STEP_GIB
    )
    if turn is None:
        return
    size, method = round(turn.value, 1), METHODS[_way_to_train(turn.outcome) or "lora"]
    if trained is None:
        yield say(
            "With a card of {size:g} GiB or more the way to train would be {method}, where nothing can be trained now.",
            size=size,
            method=method,
        )
        return
    yield say(
        "With a card of {size:g} GiB or more the way to train would be {method} instead of {before}.",
        size=size,
        method=method,
        before=METHODS[trained.method],
    )


def _tuned(order: Sequence[Standing]) -> Standing | None:
    return next((found for found in order if found.method != "none" and found.rejected is None), None)


def _way_to_train(order: Sequence[Standing]) -> str | None:
    tuned = _tuned(order)
    return tuned.method if tuned else None


def change(before: Standing, after: Standing, *, model: bool = False) -> Phrase:
    """'retrieval (RAG) instead of fine-tuning, LoRA'."""
    return say(
        "{after} instead of {before}",
        after=way_name(after, model=model),
        before=way_name(before, model=model),
    )


def way_name(way: Standing, *, model: bool = False) -> str:
    name: str = STRATEGIES[way.strategy]
    if way.method != "none":
        name = say("{strategy}, {method}", strategy=name, method=METHODS.get(way.method, way.method))
    if model:
        return say("{name} with {model}", name=name, model=way.placed.model.name.split("/")[-1])
    return name
