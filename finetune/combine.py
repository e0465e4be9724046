"""Several adapters of one base made into one, by the rules of peft's add_weighted_adapter or as their mean."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from finetune.adapters import check_base, read_card, write_card
from finetune.causal import load_causal
from finetune.notices import without_library_warnings
from finetune.schema import AdapterCard
from finetune.soup import soup
from finetune.starting import LABELLING
from finetune.weights import resolve_model

# linear adds the factors A and B each by themselves, which is no sum of the updates and needs equal ranks; cat puts
# the factors beside one another, which is the exact sum at the sum of the ranks; svd reduces that sum to the largest
# rank. ties_svd and the like trim before they add (arXiv 2306.01708). mean is for adapters of any kind that go on from
# one start.
RULES = ("cat", "linear", "svd", "ties_svd", "mean")
EQUAL_RANKS = ("linear",)
LORA = ("lora", "qlora", "rslora")
DENSITY = 0.5  # share of the weights that ties_svd keeps: peft's example of model merging


def combine_adapters(
    adapters: Sequence[str | Path],
    out: str | Path,
    *,
    weights: Sequence[float] | None = None,
    rule: str = "cat",
    model: str | None = None,
) -> AdapterCard:
    """Writes an adapter to `out`, a folder that must not exist yet, and returns its card. Raises ValueError."""
    cards = [read_card(adapter) for adapter in adapters]
    shares = list(weights) if weights is not None else [1 / max(1, len(cards))] * len(cards)
    ranks = [int(card.config["lora_rank"]) for card in cards]
    _check(cards, adapters, shares, rule, ranks)
    if Path(out).exists():
        raise ValueError(f"'{out}' exists; choose another --out.")
    if rule == "mean":
        return soup(cards, adapters, shares, Path(out))
    base = resolve_model(model or cards[0].base_model)
    check_base(cards[0], base)
    loaded = _loaded(base, adapters)
    names = [_part(number) for number in range(len(cards))]
    options = {"density": DENSITY} if rule == "ties_svd" else {}
    with torch.no_grad():
        loaded.add_weighted_adapter(names, shares, "combined", combination_type=rule, **options)
    card = _card(cards, adapters, shares, rule, loaded)
    _store(loaded, card, Path(adapters[0]), Path(out))
    return card


def _check(
    cards: Sequence[AdapterCard],
    adapters: Sequence[str | Path],
    shares: Sequence[float],
    rule: str,
    ranks: Sequence[int],
) -> None:
    if len(cards) < 2:
        raise ValueError("Combining takes two adapters or more; name another.")
    if len(shares) != len(cards):
        raise ValueError(f"{len(shares)} weights for {len(cards)} adapters; give one for each.")
    if rule not in RULES:
        raise ValueError(f"Unknown rule '{rule}'; choose one of {list(RULES)}.")
    for card, adapter in zip(cards, adapters, strict=True):
        if rule != "mean" and (card.merged or card.method not in LORA or card.objective in LABELLING):
            kind = "a merged model" if card.merged else f"{card.method} for {card.objective}"
            raise ValueError(
                f"'{adapter}' is {kind}; adapters of {', '.join(LORA)} that write text are combined."
            )
        if card.base_hash != cards[0].base_hash:
            raise ValueError(f"'{adapters[0]}' and '{adapter}' were trained on different bases.")
    if rule in EQUAL_RANKS and len(set(ranks)) > 1:
        raise ValueError(f"Rule '{rule}' needs equal ranks, and these have {ranks}; take cat or svd.")


def _part(number: int) -> str:
    """peft finds an adapter's weights by its name, which must not be a part of any other: '0' is that of a layer."""
    return f"combined_part_{number}"


def _loaded(base: Path, adapters: Sequence[str | Path]) -> Any:
    from peft import PeftModel

    with without_library_warnings():
        model = PeftModel.from_pretrained(
            load_causal(base, dtype=torch.float32), str(adapters[0]), adapter_name=_part(0)
        )
        for number, adapter in enumerate(adapters[1:], 1):
            model.load_adapter(str(adapter), adapter_name=_part(number))
    return model


def _card(
    cards: Sequence[AdapterCard],
    adapters: Sequence[str | Path],
    shares: Sequence[float],
    rule: str,
    model: Any,
) -> AdapterCard:
    parts = [
        {"adapter": str(adapter), "weight": share, "data_hash": card.data_hash}
        for adapter, share, card in zip(adapters, shares, cards, strict=True)
    ]
    rank = int(model.peft_config["combined"].r)
    return replace(
        cards[0],
        method="lora",
        rows=sum(card.rows for card in cards),
        trainable_params=sum(
            weight.numel() for name, weight in model.named_parameters() if ".combined." in name
        ),
        data_hash="",
        metrics_before={},
        metrics_after={},  # nothing was measured: a sum of adapters is no trained one
        config={**cards[0].config, "method": "lora", "lora_rank": rank, "rule": rule, "combined": parts},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _store(model: Any, card: AdapterCard, first: Path, target: Path) -> None:
    """peft puts an adapter that has a name into a folder of that name; it is moved to its place when it is whole."""
    staging = target.with_name(target.name + ".unfinished")
    shutil.rmtree(staging, ignore_errors=True)
    # The parts' own scales are in the sum, and alpha is the rank: only alpha / rank is 1.
    model.peft_config["combined"].use_rslora = False
    model.peft_config["combined"].base_model_name_or_path = card.base_model
    try:
        model.save_pretrained(str(staging), selected_adapters=["combined"], save_embedding_layers=False)
        folder = staging / "combined"
        AutoTokenizer.from_pretrained(str(first), local_files_only=True).save_pretrained(str(folder))
        write_card(card, folder)
        folder.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
