"""The alignment benchmark's rule, its win rate and its choice of settings, against what paper says."""

from __future__ import annotations

import numpy as np
import pytest
from alignment import best
from alignment_answers import summary, win_rate
from alignment_table import report
from alignment_world import ATTRIBUTES, ITEMS, manners, world


def test_each_manner_earns_its_points_and_a_wrong_fact_none() -> None:
    asked, other = world()[0], world()[2]
    assert [asked.points(text) for text in manners(asked)] == [1, 2, 2, 3, 2, 3, 3, 4]
    best_of_other = other.answer(cites=True, short=True, polite=True)
    assert asked.points(best_of_other) == 0
    whole = asked.answer(cites=True, short=True, polite=True)
    assert asked.points(whole.replace(asked.source, "rumour")) == 0
    assert asked.points(f"{whole} Feel free to ask more.") == asked.points("") == asked.points("Ask.") == 0


def test_no_fact_is_in_two_splits_and_every_thing_is_met_in_training() -> None:
    splits: dict[str, set[str]] = {}
    for one in world():
        splits.setdefault(one.split, set()).add(one.fact)
    assert {name: len(facts) for name, facts in splits.items()} == {"train": 72, "dev": 12, "test": 36}
    assert not splits["train"] & (splits["dev"] | splits["test"])
    taught = " ".join(one.question for one in world() if one.split == "train")
    assert all(item in taught for item in ITEMS) and len(ITEMS) * len(ATTRIBUTES) == 120


def test_the_win_rate_counts_ties_half() -> None:
    tuned, start = np.array([[4, 4], [1, 1]]), np.array([[4, 1], [1, 3]])
    found = win_rate(tuned, start)
    assert found["win"] == pytest.approx((0.75 + 0.25) / 2)
    assert found["low"] == pytest.approx(0.25) and found["high"] == pytest.approx(0.75)
    assert summary(tuned) == {"points": 2.5, "right": 1.0, "best": 0.5}


def run(win: float, kl: float, rate: float, **more: object) -> dict[str, object]:
    asked = {"settings": {"learning_rate": rate}}
    figures = {"low": win, "high": win, "right": 1.0, "points": 4.0, "best": 0.5, "steps": 9, "seconds": 2.0}
    return {"asked": asked, "on": "here", "win": win, "kl": kl, **figures, **more}


def test_the_nearest_of_the_best_settings_is_chosen_and_what_falls_short_is_said() -> None:
    rows = [run(0.80, 1.0, 1e-4), run(0.905, 2.0, 3e-4), run(0.91, 9.0, 1e-3)]
    assert best(rows) == {"learning_rate": 3e-4}
    before = {"right": 0.9, "points": 2.5, "best": 0.1}
    finals = {"dpo": [run(0.9, 2.0, 3e-4, before=before)], "ppo": [run(0.7, 1.0, 1e-3, before=before)]}
    made = {"finals": finals, "dev": {}, "rewards": [{"accuracy": 0.95, "seconds": 3.0, "held": 10}]}
    text = "\n".join(report("Alignment", made, "a.svg"))
    assert "NOT reached by PPO 70.0%." in text and "highest possible win rate is 95.0%" in " ".join(
        text.split()
    )
