"""What a model forgot while it learned: how likely it finds right answers to general questions, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from finetune.defaults import defaults
from finetune.gains import RowScores, compare
from finetune.general_set import GeneralRow
from finetune.held_out import evaluating, room_for_tokens
from finetune.oom import in_batches
from finetune.processes import is_sharded
from finetune.schema import TrainConfig
from finetune.template import encode, render
from finetune.together import shared_out
from finetune.told import Told


def score_general(trainer: Any, rows: Sequence[GeneralRow], config: TrainConfig, told: Told) -> RowScores:
    """Loss of each right answer given its question; where wrong ones are listed too, whether it is the likeliest.

    No answer is generated and none is judged. Likelihoods are means per token, so that a short answer has no
    advantage.
    """
    if not rows:
        return RowScores()
    asked = [_answers(row) for row in rows]
    pairs = [(row, answer) for row, answers in zip(rows, asked, strict=True) for answer in answers]
    encoded = [_encoded(trainer.processing_class, row, answer) for row, answer in pairs]
    room = room_for_tokens(trainer, config)
    if max(len(ids) for ids, _ in encoded) > room:
        told.say(f"forgetting is not measured: the general rows do not fit into {room:.0f} tokens")
        return RowScores()
    size = int(defaults()["run"]["general_batch"])
    with evaluating(trainer.model):
        losses = shared_out(
            encoded,
            lambda mine: in_batches(mine, size, lambda batch: _losses(trainer, batch), told.say),
            apart=not is_sharded(),
        )
    return _scores(asked, losses, [len(ids) - prompt for ids, prompt in encoded])


def forgotten(before: RowScores, after: RowScores, config: TrainConfig) -> dict[str, Any]:
    """Both scores, and `rise`: by how much the loss per token rose (nats), with its interval."""
    gains = compare(before, after, config.seed)
    if "loss" not in gains:
        return {}
    loss = gains["loss"]
    found: dict[str, Any] = {
        "set": config.general or "shipped",
        "rows": len(after.losses),
        "loss_before": loss["before"],
        "loss_after": loss["after"],
        "rise": loss["difference"],
        "allowed": config.max_forgetting,
    }
    found |= {f"rise_{end}": loss[end] for end in ("low", "high") if end in loss}
    if "accuracy" in gains:
        found |= {f"accuracy_{when}": gains["accuracy"][when] for when in ("before", "after")}
    return found


def too_much(found: dict[str, Any]) -> str:
    """Why an adapter is set aside; empty when nothing speaks against it."""
    allowed = found.get("allowed")
    if allowed is None or found["rise"] <= allowed:
        return ""
    return (
        f"forgetting: the loss on general rows rose by {found['rise']:.3f} nats per token, "
        f"more than --max-forgetting {allowed:g}"
    )


def _answers(row: GeneralRow) -> list[str]:
    """The right answer first."""
    right = row.example.messages[-1]["content"]
    return [right, *(choice for choice in row.choices if choice != right)]


def _encoded(tokenizer: Any, row: GeneralRow, answer: str) -> tuple[list[int], int]:
    """Tokens of question and answer, and how many are the question's."""
    prompt = encode(tokenizer, render(tokenizer, row.example.messages[:-1], answering=True))
    return prompt + encode(tokenizer, answer), len(prompt)


def _losses(trainer: Any, batch: Sequence[tuple[list[int], int]]) -> list[float]:
    """Mean loss of each answer's tokens."""
    width = max(len(ids) for ids, _ in batch)
    pad, device = trainer.processing_class.pad_token_id, trainer.args.device
    ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in batch], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in batch], device=device)
    with trainer.compute_loss_context_manager():
        logits = trainer.model(input_ids=ids, attention_mask=mask).logits
    # Soft prompts put tokens of their own before the row's.
    said = logits[:, -width:-1].float().log_softmax(-1)
    likely = said.gather(-1, ids[:, 1:, None]).squeeze(-1)
    return [float(-likely[at, prompt - 1 : len(row) - 1].mean()) for at, (row, prompt) in enumerate(batch)]


def _scores(asked: Sequence[Sequence[str]], losses: Sequence[float], tokens: Sequence[int]) -> RowScores:
    right, kept, counts, at = [], [], [], 0
    for answers in asked:
        own = losses[at : at + len(answers)]
        kept.append(own[0])
        counts.append(tokens[at])
        if len(answers) > 1:
            right.append(float(own[0] < min(own[1:])))
        at += len(answers)
    return RowScores(means={"accuracy": right} if right else {}, losses=kept, tokens=counts)
