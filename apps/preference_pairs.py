"""Which of two answers to a question is better: from thumbs and corrections, without what contradicts itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from apps.judged_answers import Turn
from apps.opinions import Opinion, Verdict, key_of, take, tell, verdicts

LIKED_ALONE = "liked, and no other answer to the question is disliked"
DISLIKED_ALONE = "disliked without a correction, and no other answer to the question is liked"
OPPOSED = "as many prefer the one answer as the other"
OVERRULED = "more people prefer the other answer"
CIRCLE = "the answers are preferred to one another in a circle"
SAME_CORRECTION = "the same correction of the same answer"

Edge = tuple[str, str, str]  # question, better answer, worse answer


@dataclass(slots=True, kw_only=True)
class Pair:
    """Two answers, the better one first, and who says so: `agreeing` groups those who said the same thing."""

    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str
    key: str
    weight: int = 0
    agreeing: list[tuple[Sequence[Opinion], str | None]] = field(default_factory=list)

    def tell(self, count: str, reason: str) -> None:
        for opinions, _ in self.agreeing:
            tell(opinions, count, reason)

    def take(self) -> None:
        for opinions, again in self.agreeing:
            take(opinions, again) if again else take(opinions)


def settled_pairs(opinions: Sequence[Opinion]) -> list[Pair]:
    """Pairs that nothing contradicts. Answers are compared on one question, whatever sources each of them had."""
    pairs: dict[Edge, Pair] = {}
    for edge, pair in (*_corrections(opinions), *_thumbs(verdicts(opinions, lambda judged: judged.topic))):
        known = pairs.setdefault(edge, pair)
        if known is not pair:
            known.agreeing += pair.agreeing
            known.weight += pair.weight
    kept = _without_circles(_without_opposites(pairs))
    for pair in kept:
        pair.take()
    for opinion in opinions:
        opinion.ends("unusable", LIKED_ALONE if opinion.judged.up else DISLIKED_ALONE)
    return kept


def _corrections(opinions: Sequence[Opinion]) -> Iterator[tuple[Edge, Pair]]:
    """A correction is better than what it corrects, in front of the same sources."""
    groups: dict[Edge, list[Opinion]] = defaultdict(list)
    for opinion in opinions:
        said = opinion.judged
        if said.correction is not None:
            groups[said.topic, key_of(said.correction), key_of(said.answer)].append(opinion)
    for edge, agreeing in groups.items():
        first = agreeing[0].judged
        correction = first.correction or ""
        yield (
            edge,
            Pair(
                prompt=first.prompt,
                chosen=correction,
                rejected=first.answer,
                key=first.origin + sha256(key_of(correction).encode()).hexdigest(),
                weight=len(agreeing),
                agreeing=[(agreeing, SAME_CORRECTION)],
            ),
        )


def _thumbs(found: Sequence[Verdict]) -> Iterator[tuple[Edge, Pair]]:
    """Each liked answer against each disliked one to its question, in front of the sources of the liked one."""
    disliked: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in found:
        if not verdict.up:
            disliked[verdict.first.topic].append(verdict)
    for good in (verdict for verdict in found if verdict.up):
        for bad in disliked[good.first.topic]:
            better, worse = good.first, bad.first
            yield (
                (better.topic, key_of(better.answer), key_of(worse.answer)),
                Pair(
                    prompt=better.prompt,
                    chosen=better.answer,
                    rejected=worse.answer,
                    key=better.origin + worse.origin,
                    weight=min(good.margin, bad.margin),
                    agreeing=[(good.agreeing, None), (bad.agreeing, None)],
                ),
            )


def _without_opposites(pairs: Mapping[Edge, Pair]) -> dict[Edge, Pair]:
    """Of a pair and its opposite the one that more people say; neither where they are as many."""
    kept = {}
    for (topic, better, worse), pair in pairs.items():
        opposite = pairs.get((topic, worse, better))
        if opposite is None or pair.weight > opposite.weight:
            kept[topic, better, worse] = pair
        else:
            pair.tell("contradictions", OPPOSED if pair.weight == opposite.weight else OVERRULED)
    return kept


def _without_circles(pairs: Mapping[Edge, Pair]) -> list[Pair]:
    """A over B, B over C, C over A: nobody can say which of the three is wrong, so all go."""
    worse_than: dict[tuple[str, str], list[str]] = defaultdict(list)
    for topic, better, worse in pairs:
        worse_than[topic, better].append(worse)
    kept = []
    for (topic, better, worse), pair in pairs.items():
        if better in _below(topic, worse, worse_than):
            pair.tell("contradictions", CIRCLE)
        else:
            kept.append(pair)
    return kept


def _below(topic: str, answer: str, worse_than: Mapping[tuple[str, str], Iterable[str]]) -> set[str]:
    """Every answer that a chain of preferences puts below this one."""
    found: set[str] = set()
    waiting = [answer]
    while waiting:
        for worse in worse_than.get((topic, waiting.pop()), ()):
            if worse not in found:
                found.add(worse)
                waiting.append(worse)
    return found
