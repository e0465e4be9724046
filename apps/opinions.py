"""What several people think of one answer: the majority holds, as many on either side say nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from apps.judged_answers import Judged

Fate = tuple[str, str]  # a count of the report and the reason
_RANK = ("unusable", "contradictions", "duplicates", "taken")  # of several fates the last of these holds
AGAIN = "the same answer with the same thumb"
TIE = "as many people like the answer as dislike it"
OUTVOTED = "outvoted by other thumbs on the same answer"


@dataclass(slots=True, eq=False)
class Opinion:
    """A judged answer, and what becomes of the row of feedback behind it."""

    judged: Judged
    fate: Fate | None = None

    def ends(self, count: str, reason: str) -> None:
        if self.fate is None or _RANK.index(count) > _RANK.index(self.fate[0]):
            self.fate = (count, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What most think of one answer. `agreeing` are those, the oldest first; `margin` is by how many they are more."""

    up: bool
    agreeing: tuple[Opinion, ...]
    margin: int

    @property
    def first(self) -> Judged:
        return self.agreeing[0].judged


def verdicts(opinions: Sequence[Opinion], about: Callable[[Judged], Hashable]) -> list[Verdict]:
    """One for each answer on which there is a majority, in the order in which they were first judged."""
    groups: dict[Hashable, list[Opinion]] = {}
    for opinion in opinions:
        groups.setdefault((about(opinion.judged), key_of(opinion.judged.answer)), []).append(opinion)
    return [found for group in groups.values() if (found := _majority(group)) is not None]


def _majority(group: Sequence[Opinion]) -> Verdict | None:
    likes = [opinion for opinion in group if opinion.judged.up]
    dislikes = [opinion for opinion in group if not opinion.judged.up]
    if len(likes) == len(dislikes):
        tell(group, "contradictions", TIE)
        return None
    more, fewer = (likes, dislikes) if len(likes) > len(dislikes) else (dislikes, likes)
    tell(fewer, "contradictions", OUTVOTED)
    return Verdict(up=more is likes, agreeing=tuple(more), margin=len(more) - len(fewer))


def take(opinions: Sequence[Opinion], again: str = AGAIN) -> None:
    """The first of them stands behind a row; the others say the same."""
    opinions[0].ends("taken", "")
    tell(opinions[1:], "duplicates", again)


def tell(opinions: Sequence[Opinion], count: str, reason: str) -> None:
    for opinion in opinions:
        opinion.ends(count, reason)


def key_of(text: str) -> str:
    """An answer whatever its white space."""
    return " ".join(text.split())
