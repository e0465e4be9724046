"""When a run came down to a loss is read off between two scorings."""

from __future__ import annotations

import math

import pytest
from training_speed import common_loss, reached

CURVE = [(0, 0, 7.0), (10, 100, 6.0), (20, 180, 6.5), (30, 260, 5.5)]
ROW = {"curve": [{"seconds": s, "supervised": t, "loss": x} for s, t, x in CURVE]}


def test_a_loss_between_two_scorings_is_reached_between_them() -> None:
    assert reached(ROW, 6.5, "seconds") == pytest.approx(5)
    assert reached(ROW, 6.5, "supervised") == pytest.approx(50)
    assert reached(ROW, 5.75, "seconds") == pytest.approx(27.5)  # the first time, not the last


def test_a_loss_that_was_never_reached_has_no_time() -> None:
    assert math.isnan(reached(ROW, 5.0, "seconds"))


def test_the_common_loss_is_the_best_of_the_worst_run() -> None:
    worse = {"curve": [{"loss": 7.0}, {"loss": 6.2}, {"loss": 6.3}]}
    assert common_loss({"one": ROW, "other": worse}) == 6.2
