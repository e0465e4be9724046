"""Scores answers with a reward model that was trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from finetune.adapter_weights import base_under, config_of, with_head
from finetune.adapters import read_card
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.notices import without_library_warnings
from finetune.reward_rows import Reader, is_encoder, load_tokenizer, longest
from finetune.schema import AdapterCard

BATCH = 16
Message = Mapping[str, str]


class RewardModel:
    """A loaded reward model: the higher the score, the better the answer; only differences between answers to one
    question mean something."""

    def __init__(self, *, model: Any, tokenizer: Any, reader: Reader, card: AdapterCard) -> None:
        self.card = card
        self._model = model
        self._reader = reader
        self._pad = tokenizer.pad_token_id or 0

    def score(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """One number for each conversation, which ends with the assistant's turn. Raises ValueError."""
        for number, turns in enumerate(conversations, 1):
            if not turns or turns[-1]["role"] != "assistant":
                raise ValueError(
                    f"Conversation {number} does not end with an answer; there is nothing to score."
                )
        rows = [self._reader(turns).input_ids for turns in conversations]
        order = sorted(
            range(len(rows)), key=lambda at: -len(rows[at])
        )  # rows of like length need little padding
        found = [0.0] * len(rows)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            for at, score in zip(batch, self._batch([rows[at] for at in batch]), strict=True):
                found[at] = score
        return found

    def _batch(self, rows: Sequence[list[int]]) -> list[float]:
        width, device = max(map(len, rows)), self._model.classifier.weight.device
        ids = torch.tensor([row + [self._pad] * (width - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
        with torch.inference_mode():
            scores: list[float] = self._model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()
        return scores


def build(folder: Path, *, seed: int = 0, **loading: Any) -> EncoderClassifier:
    """The model in `folder` with one new output: of an encoder over the mean of its states, of a model that writes over
    the last one, which has seen all others."""
    body = load_encoder(folder, **loading)
    torch.manual_seed(seed)
    model = EncoderClassifier(body, 1, reads="mean" if is_encoder(folder) else "last")
    nn.init.zeros_(model.classifier.bias)  # pairs do not tell where zero is
    return model


def load_reward_model(
    path: str | Path, *, model: str | None = None, device: str | None = None
) -> RewardModel:
    """The reward model in `path`, on its base (`model`: where that is, if not where the card says). Raises ValueError,
    OSError or ImportError in one line, also for an adapter of another objective or other weights."""
    folder, card = Path(path), read_card(path)
    if card.objective != "reward":
        raise ValueError(f"'{path}' was trained with the objective '{card.objective}'; it gives no reward.")
    base = base_under(folder, card, model)
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with without_library_warnings():  # of the output layer that a reward model leaves out
        loaded = with_head(build(base, dtype=torch.float32), folder, card)
    tokenizer = load_tokenizer(folder, (), base=base)
    reader = Reader(base, tokenizer, longest(config_of(card), base))
    return RewardModel(model=loaded.to(target).eval(), tokenizer=tokenizer, reader=reader, card=card)
