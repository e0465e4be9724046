"""Batches hold rows of like length, each row once, in an order that seed and pass decide."""

from __future__ import annotations

import random

from finetune.like_lengths import WINDOW, LikeLengths


def batches(order: list[int], size: int) -> list[list[int]]:
    return [order[at : at + size] for at in range(0, len(order), size)]


def test_each_row_comes_once_and_batches_need_little_filling() -> None:
    draw = random.Random(0)
    lengths = [draw.randint(10, 400) for _ in range(1003)]
    order = list(LikeLengths(lengths, 8, seed=1))
    assert sorted(order) == list(range(1003))
    filled = sum(len(some) * max(lengths[at] for at in some) for some in batches(order, 8))
    assert filled < 1.05 * sum(lengths)
    plain = sum(len(some) * max(lengths[at] for at in some) for some in batches(list(range(1003)), 8))
    assert plain > 1.5 * sum(lengths)


def test_seed_and_pass_decide_the_order() -> None:
    lengths = [at % 7 + 1 for at in range(40)]
    one, other = LikeLengths(lengths, 4, seed=3), LikeLengths(lengths, 4, seed=3)
    first, second = list(one), list(one)
    assert first != second and list(other) == first
    other.set_epoch(1)
    assert list(other) == second
    assert list(LikeLengths(lengths, 4, seed=4)) != first


def test_short_and_long_batches_are_mixed() -> None:
    lengths = list(range(2 * 4 * WINDOW))
    means = [
        sum(lengths[at] for at in some) / 4 for some in batches(list(LikeLengths(lengths, 4, seed=0)), 4)
    ]
    assert any(one > other for one, other in zip(means, means[1:], strict=False))
    assert any(one < other for one, other in zip(means, means[1:], strict=False))
