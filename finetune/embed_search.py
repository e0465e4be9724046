"""Searches for held-out questions among the passages of their rows, with an embedder as it now is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from finetune.embed_loss import contrastive_losses, never_negative, targets_of
from finetune.embed_model import embed_tokens
from finetune.embed_rows import passages_of
from finetune.embed_scores import DEPTH, SCORES, search_scores
from finetune.gains import RowScores
from finetune.packing import Row

if TYPE_CHECKING:
    from finetune.embed_trainer import Comparing

Questions = list[tuple[tuple[int, ...], list[int]]]  # tokens, and the numbers of the passages that answer


def score_search(model: Any, rows: Sequence[Row], how: Comparing, device: Any) -> RowScores:
    """Scores of each question, and its loss against all passages of the rows that are searched."""
    chosen = _spread(rows, how.scored_rows)
    questions = list({tuple(row["input_ids"]): row["right"] for row in chosen}.items())
    passages: dict[int, list[int]] = {}
    for row in chosen:
        passages |= passages_of(row)
    columns = list(passages)
    given = {"pad": how.pad_token_id, "budget": how.pass_tokens, "device": device}
    asked = embed_tokens(model, [list(ids) for ids, _ in questions], **given)
    found = embed_tokens(model, list(passages.values()), **given)
    means: dict[str, list[float]] = {name: [] for name in SCORES}
    first = (asked @ found.T).topk(min(DEPTH, len(columns))).indices
    for nearest, (_, right) in zip(first, questions, strict=True):
        there = {key for key in right if key in passages}
        for name, score in search_scores([columns[at] for at in nearest.tolist()], there).items():
            means[name].append(score)
    return RowScores(means={"loss": _losses(asked, found, questions, columns, how), **means})


def _losses(
    asked: torch.Tensor, found: torch.Tensor, questions: Questions, columns: list[int], how: Comparing
) -> list[float]:
    """Each question against every passage, whatever the batches of training are."""
    known = set(columns)
    first = [next(key for key in right if key in known) for _, right in questions]
    masked = never_negative(first, [right for _, right in questions], columns).to(asked.device)
    targets = targets_of(first, columns).to(asked.device)
    losses = contrastive_losses(asked, found, targets, masked, temperature=how.temperature)
    return [float(loss) for loss in losses]


def _spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, at equal distances."""
    if len(rows) <= most:
        return list(rows)
    return [rows[at * len(rows) // most] for at in range(most)]
