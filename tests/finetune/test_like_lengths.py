"""Rows of like length share a step, and the order follows from the seed and the epoch alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.like_lengths import LikeLengths

LENGTHS = [random.Random(number).randint(5, 400) for number in range(403)]


def computed(order: list[int], size: int) -> int:
    """Tokens with padding, in batches of `size`."""
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    return sum(len(batch) * max(LENGTHS[row] for row in batch) for batch in batches)


@given(st.lists(st.integers(1, 50), max_size=90), st.integers(1, 16), st.integers(0, 3))
def test_an_epoch_has_every_row_once(lengths: list[int], step_rows: int, epoch: int) -> None:
    rows = LikeLengths(lengths, step_rows, seed=7)
    rows.set_epoch(epoch)
    assert sorted(rows) == list(range(len(lengths)))
    assert len(rows) == len(lengths)


def test_little_of_a_batch_is_padding() -> None:
    by_chance = random.Random(0).sample(range(len(LENGTHS)), len(LENGTHS))
    assert computed(by_chance, 8) > 1.6 * sum(LENGTHS)
    assert computed(list(LikeLengths(LENGTHS, 8, seed=0)), 8) < 1.1 * sum(LENGTHS)
    # Accumulated: batches are parts of a step, and as alike.
    assert computed(list(LikeLengths(LENGTHS, 8, seed=0)), 4) < 1.06 * sum(LENGTHS)


def test_long_and_short_steps_come_by_chance_and_what_is_left_over_last() -> None:
    order = list(LikeLengths(LENGTHS, 8, seed=0))
    means = [sum(LENGTHS[row] for row in order[at : at + 8]) / 8 for at in range(0, 400, 8)]
    assert means != sorted(means) and means != sorted(means, reverse=True)
    assert max(means[:10]) > 250 and min(means[:10]) < 150
    assert len(order[400:]) == 3


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_run_taken_up_again_has_the_order_it_had(epoch: int) -> None:
    whole, again = (LikeLengths(LENGTHS, 8, seed=3) for _ in range(2))
    first = list(whole)
    whole.set_epoch(epoch)
    again.set_epoch(epoch)
    assert list(whole) == list(again)
    assert (list(again) == first) == (epoch == 0)
    assert list(LikeLengths(LENGTHS, 8, seed=4)) != first
