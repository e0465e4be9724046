"""Ranks sampled answers by a judge and keeps the pairs that it agrees with itself on: preferences without people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from apps.judges import Compared, Judge, Turns
from apps.kept_lines import KeptLines
from apps.sampled_answers import Drawn, Progress, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The share of comparisons without a verdict that stops a run, once there were some."""

    max_unread: float
    fewest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReport:
    """What a run brought. `outcomes` counts the comparisons; see judges.Outcome."""

    judge: str
    questions: int
    refused: int  # questions that the documents are too far from
    alike: int  # questions whose answers were all the same
    compared: int
    outcomes: dict[str, int]
    first_place: float | None  # share of single verdicts for the answer that stood first, ties left out
    circular: int  # pairs left out because their question's verdicts run in a circle
    pairs: int
    longer_chosen: float | None  # share of pairs whose better answer is the longer one
    rows: list[dict[str, Any]] = field(default_factory=list)  # the pairs themselves

    @property
    def read(self) -> int:
        """Comparisons that both orders gave a verdict on."""
        return self.compared - self.outcomes.get("unread", 0) - self.outcomes.get("too_long", 0)

    @property
    def order_biased(self) -> float | None:
        """Share of the read comparisons in which the same place won both times."""
        return self.outcomes.get("order", 0) / self.read if self.read else None


class Unread:
    """Counts comparisons, and stops a judge that mostly gives no verdict."""

    def __init__(self, judge: Judge, limit: Limit) -> None:
        self._judge, self._limit = judge, limit
        self._asked = self._unread = 0
        self._said = ""

    def count(self, compared: Compared) -> None:
        """Raises ValueError once the share is above the limit."""
        self._asked += compared.outcome != "too_long"
        if compared.outcome == "unread":
            self._unread += 1
            self._said = compared.said
            if self._asked >= self._limit.fewest:
                self.finish()

    def finish(self) -> None:
        if self._unread > self._limit.max_unread * self._asked:
            said = f"the last reply: '{self._said}'" if self._said else "the last reply was empty"
            raise ValueError(
                f"The judge '{self._judge.name}' gave no verdict in {self._unread} of {self._asked} comparisons "
                f"({said}); give another --judge, one that follows instructions."
            )


def rank_answers(
    drawn: Sequence[Drawn],
    judge: Judge,
    kept: KeptLines,
    pairs: KeptLines,
    limit: Limit,
    progress: Progress,
    *,
    at_once: int = 1,
) -> JudgeReport:
    """Compares all answers of a question with one another; what was compared before is taken from `kept`.

    `at_once` comparisons of a question are asked at a time: a server answers several as fast as one.

    Writes each question's pairs, rows that `advisor train --objective dpo` reads, when it is done. Raises
    ConnectionError for a judge that does not answer and ValueError for one that gives no verdicts.
    """
    total = sum(_comparisons(one) for one in drawn)
    found: list[Compared] = []
    rows: list[dict[str, Any]] = []
    circular, unread = 0, Unread(judge, limit)
    progress("judge", 0, total)
    for one in drawn:
        won: list[tuple[int, int]] = []
        for (first, second), compared in _compared(one, judge, kept, at_once):
            unread.count(compared)
            found.append(compared)
            progress("judge", len(found), total)
            if compared.outcome in ("first", "second"):
                won.append((first, second) if compared.outcome == "first" else (second, first))
        sound = without_circles(won)
        circular += len(won) - len(sound)
        for row in (_pair(one, better, worse, judge) for better, worse in sound):
            pairs.put(row["key"], row)
            rows.append(row)
    unread.finish()
    return _report(drawn, judge, found, rows, circular)


def _comparisons(one: Drawn) -> int:
    return len(one.answers) * (len(one.answers) - 1) // 2


def _compared(
    one: Drawn, judge: Judge, kept: KeptLines, at_once: int
) -> Iterator[tuple[tuple[int, int], Compared]]:
    places = list(combinations(range(len(one.answers)), 2))

    def ask(pair: tuple[int, int]) -> Compared:
        return compare(one.prompt, one.answers[pair[0]], one.answers[pair[1]], judge, kept)

    if at_once == 1:
        yield from zip(places, map(ask, places), strict=True)
        return
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="judge")
    try:
        yield from zip(places, pool.map(ask, places), strict=True)
    finally:  # after a failure those that were not begun are not asked any more
        pool.shutdown(cancel_futures=True)


def compare(prompt: Turns, first: str, second: str, judge: Judge, kept: KeptLines) -> Compared:
    """The kept comparison of exactly these words by exactly this judge, or a new one, kept at once.

    One without a verdict is asked again by a later run.
    """
    key = digest("compared", judge.key, [dict(turn) for turn in prompt], first, second)
    if (row := kept.get(key)) is not None:
        return Compared(outcome=row["outcome"], verdicts=tuple(row["verdicts"]))
    compared = judge.compare(prompt, first, second)
    if compared.outcome != "unread":
        kept.put(key, {"outcome": compared.outcome, "verdicts": compared.verdicts, "by": judge.name})
    return compared


def without_circles(won: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs (better, worse) but for those whose worse answer beats the better one along others."""
    beats: dict[int, set[int]] = {}
    for better, worse in won:
        beats.setdefault(better, set()).add(worse)

    def reaches(start: int, goal: int) -> bool:
        seen, left = set(), [start]
        while left:
            at = left.pop()
            seen.add(at)
            left += beats.get(at, set()) - seen
        return goal in seen

    return [(better, worse) for better, worse in won if not reaches(worse, better)]


def _pair(one: Drawn, better: int, worse: int, judge: Judge) -> dict[str, Any]:
    chosen, rejected = one.answers[better], one.answers[worse]
    prompt = [dict(turn) for turn in one.prompt]
    return {
        "prompt": prompt,
        "chosen": chosen,
        "rejected": rejected,
        "judge": judge.name,
        "principles": judge.principles.digest if judge.principles else "",
        "key": digest("pair", judge.key, prompt, chosen, rejected),
    }


def _report(
    drawn: Sequence[Drawn],
    judge: Judge,
    found: Sequence[Compared],
    rows: list[dict[str, Any]],
    circular: int,
) -> JudgeReport:
    named = [verdict for compared in found for verdict in compared.verdicts if verdict in ("A", "B")]
    longer = [len(row["chosen"]) > len(row["rejected"]) for row in rows]
    return JudgeReport(
        judge=judge.name,
        questions=len(drawn),
        refused=sum(not one.prompt for one in drawn),
        alike=sum(bool(one.prompt) and len(one.answers) < 2 for one in drawn),
        compared=len(found),
        outcomes=dict(Counter(compared.outcome for compared in found)),
        first_place=named.count("A") / len(named) if named else None,
        circular=circular,
        pairs=len(rows),
        longer_chosen=sum(longer) / len(longer) if longer else None,
        rows=rows,
    )
