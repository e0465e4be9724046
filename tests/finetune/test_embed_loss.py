"""The loss of a sentence embedder: what is pushed away, and what never is."""

from __future__ import annotations

import torch
from torch.nn import functional

from finetune.embed_loss import columns_of, contrastive_losses, never_negative, targets_of

RED, BLUE, GREEN, GREY = range(4)


def unit(rows: int, seed: int) -> torch.Tensor:
    return functional.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_a_passage_that_answers_too_has_no_part_in_the_loss() -> None:
    positives, right = [RED, BLUE], [[RED, GREEN], [BLUE]]
    columns = columns_of(positives, [[GREEN], [GREY]])
    masked = never_negative(positives, right, columns)
    assert masked.tolist() == [[False, False, True, False], [False] * 4]
    questions, passages = unit(2, 0), unit(4, 1)
    moved = passages.clone()
    moved[columns.index(GREEN)] = questions[0]  # as near as can be
    losses = [
        contrastive_losses(questions, found, targets_of(positives, columns), masked, temperature=0.05)
        for found in (passages, moved)
    ]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]  # to the other question it is a wrong one


def test_a_text_stands_among_the_columns_once() -> None:
    assert columns_of([RED, BLUE, RED], [[BLUE], [GREEN, GREY], [GREY]]) == [RED, BLUE, GREEN, GREY]


def test_without_masks_it_is_cross_entropy_over_cosines() -> None:
    questions, passages, targets = unit(3, 2), unit(5, 3), torch.tensor([4, 0, 2])
    found = contrastive_losses(
        questions, passages, targets, torch.zeros(3, 5, dtype=torch.bool), temperature=0.1
    )
    expected = functional.cross_entropy(questions @ passages.T * 10, targets, reduction="none")
    assert torch.allclose(found, expected)


def test_backwards_two_questions_of_one_passage_are_not_wrong_for_each_other() -> None:
    questions, passages = unit(3, 4), unit(2, 5)
    targets, masked = torch.tensor([0, 0, 1]), torch.zeros(3, 2, dtype=torch.bool)
    settings = {"temperature": 0.1, "both_directions": True}
    before = contrastive_losses(questions, passages, targets, masked, **settings)
    questions[1] = -questions[1]
    after = contrastive_losses(questions, passages, targets, masked, **settings)
    assert before[0] == after[0]
    assert torch.isfinite(after).all()
