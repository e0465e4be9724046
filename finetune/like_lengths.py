"""An order of rows in which those of one batch are of like length, so that little of a batch is filling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

WINDOW = (
    50  # batches that are sorted together: enough for like lengths, few enough that rows still meet by chance
)


class LikeLengths(Sampler[int]):
    """Rows shuffled, sorted by length within windows, cut into batches, and the batches shuffled.

    The same rows, seed and epoch give the same order, so that a run that was interrupted goes on as it would have.
    Not a RandomSampler: that accelerate would replace.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths = torch.tensor(lengths)
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        shuffled = torch.randperm(len(self.lengths), generator=generator)
        windows = torch.split(shuffled, self.batch * WINDOW)
        ordered = torch.cat([window[self.lengths[window].argsort(stable=True)] for window in windows])
        batches = torch.split(ordered, self.batch)
        whole = [batch for batch in batches if len(batch) == self.batch]
        short = [
            batch for batch in batches if len(batch) < self.batch
        ]  # at the end, or all batches would shift
        for at in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[at].tolist()
        for batch in short:
            yield from batch.tolist()
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
