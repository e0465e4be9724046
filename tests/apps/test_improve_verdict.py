"""A candidate takes the place only where it is surely better and worse in nothing."""

from __future__ import annotations

from typing import Any

import pytest

from apps.improve_verdict import verdict


def compared(**changes: Any) -> dict[str, Any]:
    """What a candidate is measured to be that deserves the place."""
    found: dict[str, Any] = {
        "moved": {"value": 0.8, "low": 0.6, "high": 0.95, "rows": 20.0, "questions": 20.0},
        "ranking": {"before": 0.5, "after": 0.6, "value": 0.1, "low": -0.1, "high": 0.3},
        "task": {"token_f1": {"before": 0.4, "after": 0.4, "low": -0.05, "high": 0.05, "rows": 40.0}},
        "forgetting": {"rows": 60, "rise": 0.05, "rise_of_current": 0.02},
    }
    return {**found, **changes}


def moved(low: float, high: float) -> dict[str, float]:
    return {"value": (low + high) / 2, "low": low, "high": high, "rows": 20.0, "questions": 20.0}


def test_surely_better_and_worse_in_nothing_is_promoted_with_its_figures() -> None:
    found = verdict(compared(), 0.1)
    assert found.better and found.objections == ()
    assert found.why == (
        "better on held-out feedback: 80% moved to the preferred answer (95 % interval 60% to 95% over 20 "
        "questions; chance is 50 %)"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"moved": moved(0.5, 0.9)}, "not surely better on held-out feedback: 70%"),
        ({"moved": moved(0.1, 0.4)}, "worse on held-out feedback: 25%"),
        (
            {"moved": {"value": 1.0, "rows": 1.0, "questions": 1.0}},
            "one held-out question alone shows nothing",
        ),
        (
            {"ranking": {"before": 0.9, "after": 0.6, "value": -0.3, "low": -0.5, "high": -0.1}},
            "ranks the better of two held-out answers higher in 60% of cases, the adapter in place in 90%",
        ),
        (
            {"task": {"token_f1": {"before": 0.4, "after": 0.2, "low": -0.3, "high": -0.1, "rows": 40.0}}},
            "significantly worse on the task: token f1 0.400 before, 0.200 after",
        ),
        (
            {"forgetting": {"rows": 60, "rise": 0.3, "rise_of_current": 0.02}},
            "0.300 nats per token above the base's, more than --max-forgetting 0.1",
        ),
    ],
)
def test_each_objection_alone_keeps_it_aside(changes: dict[str, Any], said: str) -> None:
    found = verdict(compared(**changes), 0.1)
    assert not found.better and len(found.objections) == 1 and said in found.why


def test_an_adapter_that_forgot_already_is_no_reason_against_one_that_forgot_no_more() -> None:
    assert verdict(compared(forgetting={"rows": 60, "rise": 0.3, "rise_of_current": 0.35}), 0.1).better
    assert not verdict(compared(forgetting={"rows": 60, "rise": 0.3, "rise_of_current": 0.25}), 0.1).better


def test_what_was_not_measured_does_not_speak_against_it() -> None:
    assert verdict(compared(task={}, forgetting={}), 0.0).better


def test_all_objections_are_told() -> None:
    bad = compared(moved=moved(0.1, 0.4), forgetting={"rows": 60, "rise": 0.3, "rise_of_current": 0.0})
    assert len(verdict(bad, 0.1).objections) == 2
