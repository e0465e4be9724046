"""Embedders that were trained here: an adapter on MiniLM (on ONNX Runtime) or on another model, or a whole one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rag.batches import physical_cores
from rag.embed import ModelEmbedder, max_tokens_of
from rag.encoders import load_sentence_transformer, minilm_encoder
from rag.minilm_graph import HIDDEN, RECIPE, fits_config
from rag.model_folders import model_folder, need
from rag.tuned import CARD, adapter_hash, check_base, is_whole, read_card, read_tuned
from rag.weights import hash_weights

OBJECTIVE = "embed"


def trained_folder(name: str) -> tuple[Path, bool] | None:
    """The folder that a name means and whether its products are in int8; None for a model that was not trained here.

    "minilm+FOLDER", "minilm-fp32+FOLDER", or the folder alone.
    """
    first, plus, rest = name.partition("+")
    if plus and first in ("minilm", "minilm-fp32"):
        return Path(rest).expanduser(), first == "minilm"
    folder = Path(name).expanduser()
    return (folder, True) if (folder / CARD).is_file() else None


def load_tuned_embedder(name: str, folder: Path, *, int8: bool) -> ModelEmbedder:
    """The embedder in a folder of training's. ValueError in one line for one that was trained for something else."""
    card = read_card(folder, OBJECTIVE)
    if is_whole(folder, card):
        return _on_minilm(name, folder, int8=int8) if fits_config(folder) else _whole(name, folder)
    if card["base_model"] == "minilm":
        return _on_minilm(name, folder, int8=int8)
    base = model_folder(str(card["base_model"]), f"The base of {folder},", "merge both where it is")
    if fits_config(base):
        return _on_minilm(name, folder, int8=int8)
    check_base(folder, card, base)
    read = max_tokens_of(base)
    return ModelEmbedder(
        name=name,
        folder=base,
        weight_hash=_hash(hash_weights(base), adapter_hash(folder, card)),
        max_tokens=read,
        load=lambda: load_sentence_transformer(base, read, folder),
    )


def _on_minilm(name: str, folder: Path, *, int8: bool) -> ModelEmbedder:
    need("onnxruntime")  # its absence is told before anything is read
    tuned = read_tuned(folder, OBJECTIVE)
    return ModelEmbedder(
        name=name,
        folder=tuned.tokenizer,
        weight_hash=_hash(tuned.hash, RECIPE if int8 else "fp32"),
        max_tokens=max_tokens_of(tuned.tokenizer),
        load=lambda: minilm_encoder(tuned.weights, int8=int8, threads=physical_cores()),
        dimension=HIDDEN,
    )


def _whole(name: str, folder: Path) -> ModelEmbedder:
    read = max_tokens_of(folder)
    return ModelEmbedder(
        name=name,
        folder=folder,
        weight_hash=hash_weights(folder),
        max_tokens=read,
        load=lambda: load_sentence_transformer(folder, read),
    )


def _hash(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
