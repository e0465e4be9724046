"""Whether a candidate may take the place of the adapter that it came from, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHANCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`why` in one line, for better and for worse; `objections` are all that speak against it."""

    better: bool
    why: str
    objections: tuple[str, ...] = ()


def verdict(compared: Mapping[str, Any], max_forgetting: float) -> Verdict:
    """Better is what moved towards the preferred answers beyond chance, and is worse in nothing that was measured.

    1. On held-out feedback the whole interval of the share that moved lies above one half.
    2. It does not rank the better answers significantly lower than before.
    3. No score on the task's questions is significantly lower.
    4. It forgot no more than `max_forgetting` of what the base knew or, where the adapter in place already has, no
       more than that one.
    """
    objections = [
        *_preference(compared["moved"]),
        *_ranking(compared["ranking"]),
        *_task(compared.get("task") or {}),
        *_forgetting(compared.get("forgetting") or {}, max_forgetting),
    ]
    if objections:
        return Verdict(better=False, why="; ".join(objections), objections=tuple(objections))
    return Verdict(better=True, why=f"better on held-out feedback: {_moved(compared['moved'])}")


def _moved(moved: Mapping[str, float]) -> str:
    return (
        f"{moved['value']:.0%} moved to the preferred answer (95 % interval {moved['low']:.0%} to "
        f"{moved['high']:.0%} over {moved['questions']:.0f} questions; chance is 50 %)"
    )


def _preference(moved: Mapping[str, float]) -> list[str]:
    if "low" not in moved:
        return ["one held-out question alone shows nothing"]
    if moved["low"] > CHANCE:
        return []
    word = "worse" if moved["high"] < CHANCE else "not surely better"
    return [f"{word} on held-out feedback: {_moved(moved)}"]


def _ranking(ranking: Mapping[str, float]) -> list[str]:
    if ranking.get("high", 0.0) >= 0:
        return []
    return [
        f"it ranks the better of two held-out answers higher in {ranking['after']:.0%} of cases, the adapter in "
        f"place in {ranking['before']:.0%}"
    ]


def _task(task: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        f"significantly worse on the task: {name.replace('_', ' ')} {gain['before']:.3f} before, {gain['after']:.3f} "
        "after"
        for name, gain in task.items()
        if gain.get("high", 0.0) < 0
    ]


def _forgetting(found: Mapping[str, Any], allowed: float) -> list[str]:
    if not found or found["rise"] <= max(allowed, found["rise_of_current"]):
        return []
    return [
        f"forgetting: the loss on general rows is {found['rise']:.3f} nats per token above the base's, more than "
        f"--max-forgetting {allowed:g}"
    ]
