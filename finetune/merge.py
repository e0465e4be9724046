"""Adds an adapter to the weights of its base, and proves that the outcome answers as the two did apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from finetune.adapter_weights import config_of, load_adapter
from finetune.adapters import HEAD, check_base, check_tokenizer, is_whole, read_card, write_card
from finetune.causal import load_causal
from finetune.embed_model import write_steps
from finetune.embed_predict import bare_embedder
from finetune.embed_rows import longest
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.methods import METHODS, entry
from finetune.schema import AdapterCard
from finetune.span_model import EncoderSpans
from finetune.staging import staged
from finetune.weights import model_config, resolve_model

TOLERANCE = (
    1e-4  # of outputs in fp32, for outputs of size 1; the sums run in another order, and no more than that
)
PROBE_ROWS, PROBE_TOKENS = 2, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Where the merged model lies, in which number format, and how far its outputs are from those before."""

    path: str
    dtype: str
    difference: float  # largest, in fp32, as a share of the largest output where that is over 1
    rounding: float  # what storing it in `dtype` changes beyond that


def merge_adapter(
    adapter: str | Path, out: str | Path, *, model: str | None = None, dtype: str | None = None
) -> Merged:
    """Writes the merged model, its tokenizer and a card to `out`, a folder that must not exist yet.

    Everything is computed in fp32 and stored in `dtype` (default: that of the base). `model` names the base where it
    is not where the card says. Raises ValueError in one line, also when the outputs differ: then nothing is left.
    """
    card, target = read_card(adapter), Path(out)
    check_mergeable(card, adapter)
    if target.exists():
        raise ValueError(f"'{target}' exists; choose another --out.")
    base = resolve_model(model or card.base_model)
    check_base(card, base)
    check_tokenizer(adapter, base)
    kind = dtype or stored_dtype(base)
    merged, inputs, before = _merged(base, Path(adapter), card)
    difference = distance(before, outputs(merged, inputs))
    if not difference <= TOLERANCE:
        raise ValueError(
            f"Merging '{adapter}' would change the outputs by {difference:.1e} (allowed: {TOLERANCE:.0e}); nothing was "
            "written. Serve the adapter beside its base."
        )
    with staged(target) as staging:
        _write(merged.to(getattr(torch, kind)), staging)
        if card.objective == "embed":
            write_steps(merged.encoder, base, staging, longest(config_of(card), base))
        del merged  # it is read back below, and a large model should not be held twice
        AutoTokenizer.from_pretrained(str(adapter), local_files_only=True).save_pretrained(str(staging))
        write_card(replace(card, merged=True), staging)
        rounding = distance(before, outputs(_stored(staging, card), inputs))
        if kind == "float32" and not rounding <= TOLERANCE:
            raise ValueError(
                f"The merged model was not stored as it is ({rounding:.1e} away); nothing was kept."
            )
    return Merged(path=str(target), dtype=kind, difference=difference, rounding=rounding)


def _merged(base: Path, adapter: Path, card: AdapterCard) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """The merged model in fp32, token numbers, and what base and adapter made of them."""
    apart = load_adapter(_base(base, card), adapter, card)
    inputs = probe(apart)
    before = outputs(apart, inputs)
    return apart.merge_and_unload(safe_merge=True) if hasattr(apart, "peft_config") else apart, inputs, before


def check_mergeable(card: AdapterCard, adapter: str | Path) -> None:
    if is_whole(card):
        raise ValueError(f"'{adapter}' is a whole model already; there is nothing to merge.")
    if card.objective == "reward":
        raise ValueError(
            f"'{adapter}' is a reward model, which keeps its base; give its folder where it is asked for."
        )
    if card.objective == "rerank":
        raise ValueError(
            f"'{adapter}' is a reranker, which is used beside its base; give its folder where it is asked for."
        )
    if not entry(card.method).merges:
        able = sorted(name for name, method in METHODS.items() if method.merges and not method.whole)
        raise ValueError(
            f"What {card.method} adds is no sum with the base's weights, so it cannot be merged; serve it as an "
            f"adapter. These can: {', '.join(able)}."
        )


def stored_dtype(base: Path) -> str:
    """The number format of a base's weights, by its config."""
    config = model_config(base)
    return str(config.get("dtype") or config.get("torch_dtype") or "float32")


def _base(base: Path, card: AdapterCard) -> Any:
    if card.objective == "classify":
        return EncoderClassifier(load_encoder(base, dtype=torch.float32), len(card.labels)).eval()
    if card.objective == "span_qa":
        return EncoderSpans(load_encoder(base, dtype=torch.float32)).eval()
    if card.objective == "embed":
        return bare_embedder(base)
    return load_causal(base, dtype=torch.float32)


def probe(model: Any) -> torch.Tensor:
    """Token numbers drawn once and for all from the model's vocabulary."""
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, int(model.config.vocab_size), (PROBE_ROWS, PROBE_TOKENS), generator=draw)


def outputs(model: Any, inputs: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits
    return logits.float()


def distance(first: torch.Tensor, second: torch.Tensor) -> float:
    """Largest difference, as a share of the largest output where that is over 1; infinite where one is no number."""
    found = (first - second).abs().max() / first.abs().max().clamp(min=1)
    return float(found) if bool(torch.isfinite(found)) else float("inf")


def _write(merged: Any, folder: Path) -> None:
    if not isinstance(merged, (EncoderClassifier, EncoderSpans)):
        merged.save_pretrained(str(folder))
        return
    merged.encoder.save_pretrained(str(folder))  # type: ignore[operator]
    head = {name: value.float().contiguous() for name, value in merged.classifier.state_dict().items()}
    if head:
        save_file(head, folder / HEAD)


def _stored(folder: Path, card: AdapterCard) -> Any:
    from finetune.predict import load_classifier_model
    from finetune.span_reader import load_reader_model

    whole = replace(card, merged=True)
    if card.objective == "classify":
        return load_classifier_model(folder, folder, whole)
    if card.objective == "span_qa":
        return load_reader_model(folder, folder, whole)
    if card.objective == "embed":
        return bare_embedder(folder)
    return load_causal(folder, dtype=torch.float32)
