"""Windows of questions and passages to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from finetune.span_rows import Window


@dataclass(frozen=True, slots=True)
class SpanCollator:
    pad_token_id: int
    segments: bool  # whether the model has vectors for question and passage

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """With the tokens to choose, for rows to learn from, that tell an answer's begin and end."""
        batch = self.windows([row["window"] for row in rows])
        begin, end = zip(*(row["positions"] for row in rows), strict=True)
        return batch | {"start_positions": torch.tensor(begin), "end_positions": torch.tensor(end)}

    def windows(self, windows: Sequence[Window]) -> dict[str, torch.Tensor]:
        width = max(len(window.input_ids) for window in windows)
        shape = (len(windows), width)
        batch = {"input_ids": torch.full(shape, self.pad_token_id)}
        for name in ("attention_mask", "choosable", *(("token_type_ids",) if self.segments else ())):
            batch[name] = torch.zeros(shape, dtype=torch.long)
        for at, window in enumerate(windows):
            length = len(window.input_ids)
            batch["input_ids"][at, :length] = torch.tensor(window.input_ids)
            batch["attention_mask"][at, :length] = 1
            batch["choosable"][at, window.first : window.first + len(window.starts)] = 1
            batch["choosable"][at, 0] = 1
            if self.segments and window.segments is not None:
                batch["token_type_ids"][at, :length] = torch.tensor(window.segments)
        return batch


def collator_for(tokenizer: Any, model_config: Any) -> SpanCollator:
    kinds = getattr(model_config, "type_vocab_size", None) or 0
    return SpanCollator(tokenizer.pad_token_id or 0, segments=kinds > 1)
