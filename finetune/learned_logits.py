"""Computes logits only at the places whose next token is learned: a long question costs no vocabulary-wide rows."""

from __future__ import annotations

from typing import Any

import torch

from finetune.template import IGNORED

_TOLERANCE = 1e-2  # of the loss, in bf16; a model that ignores the places is off by far more


def at_learned(inputs: dict[str, Any]) -> dict[str, Any]:
    """The batch with the places whose logits are wanted, and the tokens wanted there."""
    labels = inputs["labels"]
    wanted = torch.zeros_like(labels, dtype=torch.bool)
    wanted[:, :-1] = labels[:, 1:] != IGNORED
    targets = labels[:, 1:][wanted[:, :-1]]
    # Without a token to learn the plain way gives the plain answer.
    return {**inputs, "logits_to_keep": wanted, "shift_labels": targets} if len(targets) else inputs


def takes_places(model: Any) -> bool:
    """Tries on a loaded model whether it gives logits at such places alone, and the same loss: not every architecture
    does, nor did transformers always."""
    embedding = model.get_input_embeddings().weight
    if embedding.is_meta:  # weights that another process brings: nothing can be tried
        return False
    ids = torch.arange(12, device=embedding.device).reshape(2, 6) % len(embedding)
    labels = ids.clone()
    labels[0, :4], labels[1, :2] = IGNORED, IGNORED
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    with torch.no_grad():
        try:
            plain, placed = model(**batch), model(**at_learned(batch))
        except (TypeError, ValueError, IndexError, RuntimeError):
            return False
    if placed.logits.shape[:-1].numel() != int((labels[:, 1:] != IGNORED).sum()):
        return False
    return bool((placed.loss - plain.loss).abs() <= _TOLERANCE * plain.loss.abs())
