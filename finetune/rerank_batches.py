"""Questions with their passages to a batch, and the loss of a ranking: pure but for the making of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from finetune.packing import Row
from finetune.rerank_rows import pairs_of


@dataclass(frozen=True, slots=True)
class RankCollator:
    """Rows to one batch: the pairs of all rows one after another; `cells` are rows x pairs of the longest row."""

    pad_token_id: int
    segments: bool  # whether the model has vectors for question and passage

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """`owners`: the row of each pair; `columns`: its place within the row; `right`: whether it answers."""
        pairs = [ids for row in rows for ids in pairs_of(row)]
        batch = self.padded(pairs, [first for row in rows for first in row["firsts"]])
        counts = [len(row["firsts"]) for row in rows]
        owners = [at for at, count in enumerate(counts) for _ in range(count)]
        columns = [column for count in counts for column in range(count)]
        right = [column < rows[owner]["right"][0] for owner, column in zip(owners, columns, strict=True)]
        return batch | {
            "owners": torch.tensor(owners), "columns": torch.tensor(columns), "right": torch.tensor(right)
        }  # fmt: skip

    def padded(self, pairs: Sequence[list[int]], firsts: Sequence[int]) -> dict[str, torch.Tensor]:
        width = max(map(len, pairs))
        lengths = torch.tensor([len(ids) for ids in pairs])[:, None]
        places = torch.arange(width)[None, :]
        mask = (places < lengths).long()
        batch = {
            "input_ids": torch.tensor([[*ids, *[self.pad_token_id] * (width - len(ids))] for ids in pairs]),
            "attention_mask": mask,
        }
        if self.segments:
            batch["token_type_ids"] = (places >= torch.tensor(list(firsts))[:, None]).long() * mask
        return batch


def ranking_losses(
    scores: torch.Tensor, owners: torch.Tensor, columns: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Of each row, minus the logarithm of the share that softmax gives to its right pairs (listwise: ListNet, Cao and
    others, ICML 2007; with one right pair among hard negatives as in arXiv 2101.08751)."""
    shape = (int(owners.max()) + 1, int(columns.max()) + 1)
    everything = scores.new_full(shape, -torch.inf).index_put((owners, columns), scores)
    answers = scores.new_full(shape, -torch.inf).index_put((owners[right], columns[right]), scores[right])
    losses: torch.Tensor = everything.logsumexp(1) - answers.logsumexp(1)
    return losses
