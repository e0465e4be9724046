"""What would make a run fit a card: single changes, pairs and a cheapest combination, tried with the estimate; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Any

from .limits import Verdict, verdict
from .memory import estimate_memory
from .remedy_changes import SERVING, TRAINING, CardLimit, Change
from .setups import MemoryEstimate, ModelSpec, ServeSetup, TrainSetup
from .wording import joined

MOST_SHOWN = 6
_RANK = {"no": 0, "tight": 1, "yes": 2}
_Group = tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Changes after which the run fits: surely (yes) or perhaps (tight). `changed` holds the fields that differ."""

    text: str
    changed: dict[str, Any]
    memory: MemoryEstimate
    fits: Verdict


@dataclass(frozen=True, slots=True)
class _Run:
    """The run, and what was worked out about it: the same setups come back in many groups."""

    model: ModelSpec
    setup: Any  # TrainSetup or ServeSetup
    card: CardLimit
    _memories: dict[Any, MemoryEstimate] = field(default_factory=dict)
    _changed: dict[tuple[int, Any], Any] = field(default_factory=dict)

    def after(self, group: Sequence[Change]) -> Any | None:
        """The setup with all changes; None where one of them makes no difference, no sense, or is not offered."""
        setup = self.setup
        for change in group:
            changed = self._after_one(change, setup)
            if changed is None or changed == setup:
                return None
            setup = changed
        return setup

    def fits(self, setup: Any) -> Verdict:
        return verdict(self.memory(setup), self.card.vram_gib)

    def memory(self, setup: Any) -> MemoryEstimate:
        if setup not in self._memories:
            self._memories[setup] = estimate_memory(self.model, setup, self.card.gpu)
        return self._memories[setup]

    def _after_one(self, change: Change, setup: Any) -> Any | None:
        key = id(change), setup
        if key not in self._changed:
            try:
                self._changed[key] = after = change.make(self.model, setup, self.card)
                if after is not None:
                    self.memory(after)
            except ValueError:  # a combination that no library offers
                self._changed[key] = None
        return self._changed[key]


def remedies(
    model: ModelSpec, setup: TrainSetup | ServeSetup, vram_gib: float, *, gpu: str | None = None
) -> tuple[Remedy, ...]:
    """Changes that bring the run within the card: what fits surely first, then what costs least.

    Pairs are looked for where no single change fits surely; beside them stands the cheapest combination of any size.
    Empty where the run fits surely as it is, or nothing helps.
    """
    run = _Run(model, setup, CardLimit(vram_gib=vram_gib, gpu=gpu))
    best = _RANK[run.fits(setup)]
    found: dict[_Group, tuple[Any, Verdict]] = {}
    for group in _groups(run, found):
        after = run.after(group)
        if after is None:
            continue
        fits = run.fits(after)
        # A change more than in another group has to make it surer, or it is idle.
        known = [_RANK[was] for other, (_, was) in found.items() if set(other) < set(group)]
        if _RANK[fits] > max([best, *known]):
            found[group] = after, fits
    ranked = sorted(found, key=lambda group: (-_RANK[found[group][1]], _cost(group, setup, found[group][0])))
    return tuple(_remedy(run, group, *found[group]) for group in ranked[:MOST_SHOWN])


def _groups(run: _Run, found: dict[_Group, tuple[Any, Verdict]]) -> Iterator[_Group]:
    """Single changes, pairs where those are not enough, and a combination of cheap ones."""
    table = SERVING if isinstance(run.setup, ServeSetup) else TRAINING
    yield from ((change,) for change in table)
    if not any(fits == "yes" for _, fits in found.values()):
        yield from (pair for pair in combinations(table, 2) if pair[0].kind != pair[1].kind)
    for dearest in sorted({change.cost for change in table}):
        group = _cheapest(run, [change for change in table if change.cost <= dearest])
        if group:
            yield group
            return


def _cheapest(run: _Run, table: list[Change]) -> _Group:
    """Adds the cheapest change that lowers the memory until the run fits, then drops those that were not needed.

    Empty where all of them are not enough.
    """
    group: _Group = ()
    setup, taken = run.setup, True
    while run.fits(setup) != "yes" and taken:
        taken = False
        for change in sorted(table, key=lambda change: change.cost):
            if change.kind in {one.kind for one in group}:
                continue
            longer, after = _useful(run, [one for one in table if one in group or one is change])
            if run.memory(after).high_gib < run.memory(setup).high_gib:
                group, setup, taken = longer, after, True
                break
    if run.fits(setup) != "yes":
        return ()
    for change in sorted(group, key=lambda change: -change.cost):
        fewer, after = _useful(run, [one for one in group if one is not change])
        if run.fits(after) == "yes":
            group = fewer
    return group


def _useful(run: _Run, changes: Sequence[Change]) -> tuple[_Group, Any]:
    """Those of the changes that make a difference, one after the other, and the setup after them."""
    group: _Group = ()
    setup = run.setup
    for change in changes:
        after = run.after((*group, change))
        if after is not None:
            group, setup = (*group, change), after
    return group, setup


def _cost(group: _Group, before: Any, after: Any) -> float:
    """One more for each further change."""
    return sum(change.cost + 1 + change.extra(before, after) for change in group)


def _remedy(run: _Run, group: _Group, after: Any, fits: Verdict) -> Remedy:
    names = [item.name for item in fields(after)]
    return Remedy(
        text=joined(change.tell(run.setup, after) for change in group),
        changed={
            name: getattr(after, name) for name in names if getattr(after, name) != getattr(run.setup, name)
        },
        memory=run.memory(after),
        fits=fits,
    )
