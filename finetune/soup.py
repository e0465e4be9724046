"""The mean of adapters that were trained from one start, their heads included: a model soup (arXiv 2203.05482)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from finetune.adapters import CARD, is_whole, write_card
from finetune.schema import AdapterCard
from finetune.starting import SHAPE
from finetune.weights import weights_hash

THRESHOLD = "null_threshold"  # of a reader: a mean of readers needs one before it is measured


def soup(
    cards: Sequence[AdapterCard], adapters: Sequence[str | Path], shares: Sequence[float], out: Path
) -> AdapterCard:
    """Writes the adapter whose tensors are the weighted means of theirs. Raises ValueError where they are not alike, or
    have no common start: the means of other factors A and B are no mean of what they do."""
    _check(cards, adapters)
    if min(shares) < 0 or not sum(shares):
        raise ValueError("The weights of a mean are shares: none below 0, and not all 0.")
    shares = [share / sum(shares) for share in shares]
    parts = [
        {"adapter": str(adapter), "weight": share, "data_hash": card.data_hash}
        for card, adapter, share in zip(cards, adapters, shares, strict=True)
    ]
    threshold = sum(
        card.metrics_after.get(THRESHOLD, 0.0) * share for card, share in zip(cards, shares, strict=True)
    )
    card = replace(
        cards[0],
        rows=sum(card.rows for card in cards),
        data_hash="",
        metrics_before={},
        metrics_after={THRESHOLD: threshold} if cards[0].objective == "span_qa" else {},
        gains={},
        config={**cards[0].config, "rule": "mean", "combined": parts},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    staging = out.with_name(out.name + ".unfinished")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        _write(adapters, shares, staging)
        write_card(card, staging)
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return card


def _write(adapters: Sequence[str | Path], shares: Sequence[float], target: Path) -> None:
    first = Path(adapters[0])
    for file in first.iterdir():
        if file.suffix == ".safetensors":
            save_file(_mean(file.name, adapters, shares), target / file.name, metadata={"format": "pt"})
        elif file.suffix == ".json" and file.name != CARD:  # its settings and its tokenizer
            shutil.copy(file, target)


def _mean(name: str, adapters: Sequence[str | Path], shares: Sequence[float]) -> dict[str, torch.Tensor]:
    tensors = [load_file(Path(adapter) / name) for adapter in adapters]
    return {
        key: sum(
            (share * one[key].double() for share, one in zip(shares, tensors, strict=True)),
            torch.zeros((), dtype=torch.float64),
        ).to(value.dtype)
        for key, value in tensors[0].items()
    }


def _check(cards: Sequence[AdapterCard], adapters: Sequence[str | Path]) -> None:
    first = cards[0]
    for card, adapter in zip(cards, adapters, strict=True):
        if is_whole(card):
            raise ValueError(f"'{adapter}' is a whole model; a mean is made of adapters.")
        shape = [name for name in SHAPE if card.config.get(name) != first.config.get(name)]
        alike = (card.objective, card.labels) == (first.objective, first.labels)
        if shape or not alike:
            what = shape[0] if shape else "objective or labels"
            raise ValueError(f"'{adapters[0]}' and '{adapter}' differ in {what}; a mean needs them alike.")
    _check_related(cards, adapters)


def _check_related(cards: Sequence[AdapterCard], adapters: Sequence[str | Path]) -> None:
    """Each goes on from another one, or from what another one goes on from."""
    lines = [
        {weights_hash(adapter), card.started_from.get("weights", "")} - {""}
        for card, adapter in zip(cards, adapters, strict=True)
    ]
    known, apart = lines[0], list(range(1, len(lines)))
    while near := [place for place in apart if lines[place] & known]:
        known = known.union(*(lines[place] for place in near))
        apart = [place for place in apart if place not in near]
    if apart:
        raise ValueError(
            f"'{adapters[apart[0]]}' was not trained from the same start as '{adapters[0]}' (advisor train --adapter); "
            "rule mean needs that, cat and svd do not."
        )
