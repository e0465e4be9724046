"""The order in which rows are learned: by chance, but rows of like length share a step, so that little is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

from finetune.defaults import defaults


class LikeLengths(Sampler[int]):
    """Row numbers of an epoch; each `step_rows` of them, one after another, are of like length.

    The order follows from `seed` and epoch alone, so that a resumed run goes on with the rows it had not seen, and
    a batch that is halved learns from the same rows. Steps of long and short rows follow one another by chance.
    """

    def __init__(self, lengths: Sequence[int], step_rows: int, seed: int) -> None:
        self.lengths = lengths
        self.step_rows = step_rows
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return self.order(self.epoch)

    def order(self, epoch: int) -> Iterator[int]:
        draw = torch.Generator().manual_seed(self.seed + epoch)
        order = torch.randperm(len(self.lengths), generator=draw).tolist()
        steps = len(order) // self.step_rows
        whole, rest = order[: steps * self.step_rows], order[steps * self.step_rows :]
        groups = grouped(whole, self.lengths, self.step_rows)
        for number in torch.randperm(len(groups), generator=draw).tolist():
            yield from groups[number]
        yield from rest  # fewer than a step: last, so that no step is made of two


def grouped(order: Sequence[int], lengths: Sequence[int], step_rows: int) -> list[list[int]]:
    """Steps of rows of like length. Drawn from a part of the rows each, so that other rows meet in each epoch."""
    pool = step_rows * _pool_steps(len(order) // step_rows)
    found = []
    for start in range(0, len(order), pool):
        alike = sorted(order[start : start + pool], key=lambda row: -lengths[row])
        found += [alike[at : at + step_rows] for at in range(0, len(alike), step_rows)]
    return found


def _pool_steps(steps: int) -> int:
    run = defaults()["run"]
    return max(1, min(steps // int(run["fewest_length_pools"]), int(run["length_pool_steps"])))
