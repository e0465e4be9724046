"""Tries on a loaded model whether rows that share a sequence stay apart: not every architecture looks at where
positions begin anew."""

from __future__ import annotations

from typing import Any

import torch

_ROW = 8  # tokens of each of the two rows that are tried
_NOISE = 0.1  # of the difference that crossing makes; rounding alone stays far below


def keeps_rows_apart(model: Any) -> bool:
    """Whether the second of two packed rows is read as it is read alone, and not as a continuation of the first."""
    if (
        model.get_input_embeddings().weight.is_meta
    ):  # another process brings the weights: nothing can be tried
        return False
    words = int(model.get_input_embeddings().num_embeddings)
    first, second = ([(at * 37 + start) % words for at in range(_ROW)] for start in (5, 11))
    places = [*range(_ROW), *range(_ROW)]
    alone = _logits(model, second)
    crossed = _logits(model, first + second)[_ROW:]
    try:
        packed = _logits(model, first + second, position_ids=places, use_cache=False)[_ROW:]
    except (TypeError, ValueError):  # it takes no positions
        return False
    return bool((packed - alone).abs().max() <= _NOISE * (crossed - alone).abs().max())


def _logits(model: Any, ids: list[int], *, position_ids: list[int] | None = None, **options: Any) -> Any:
    device = model.get_input_embeddings().weight.device
    if position_ids is not None:
        options["position_ids"] = torch.tensor([position_ids], device=device)
    else:
        options["attention_mask"] = torch.ones(1, len(ids), dtype=torch.long, device=device)
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids], device=device), **options).logits[0].float()
