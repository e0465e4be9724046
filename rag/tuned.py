"""Reads what training left, an adapter's folder or a whole model, by its files, as weights of MiniLM; without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.merging import HEAD, Head, changed_weights, read_head, telling
from rag.minilm_graph import check_shapes
from rag.weights import (
    MINILM_SHA256,
    base_hash,
    check_weights,
    file_digest,
    minilm_folder,
    read_tensors,
)

CARD, WEIGHTS, TOKENIZER = "adapter_card.json", "model.safetensors", "tokenizer.json"
_SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """MiniLM as a run left it. `weights` have the names of its model.safetensors, in fp32."""

    folder: Path
    card: Mapping[str, Any]
    weights: Mapping[str, Any]
    hash: str  # of the base and all that was trained
    tokenizer: Path  # the folder with its tokenizer.json
    found_head: Head | None

    @property
    def head(self) -> Head:
        """The layer behind the states. ValueError where the run trained none, as that of an embedder."""
        if self.found_head is None:
            raise ValueError(f"{self.folder} has no head: it was trained to {self.card.get('objective')}.")
        return self.found_head


def shipped(name: str) -> Path | None:
    """The folder of an adapter that comes with the program ("embedder", "reader", ...); None when it does not."""
    folder = _SHIPPED / name
    return folder if (folder / CARD).is_file() else None


def read_tuned(folder: str | Path, objective: str | None = None) -> Tuned:
    """An adapter on MiniLM, or on a local model of its shape, or a whole model of its shape.

    ValueError in one line for a folder that is none, is half-written, was trained on another base or in a way that
    cannot be read here, or for another `objective` than is asked for.
    """
    folder = Path(folder).expanduser()
    card = read_card(folder, objective)
    if is_whole(folder, card):
        return _whole(folder, card)
    base = base_of(folder, card)
    weights = read_tensors(base / WEIGHTS)
    check_shapes(weights, base)
    changed = changed_weights(weights, folder)
    return Tuned(
        folder=folder,
        card=card,
        weights={**weights, **changed.weights},
        hash=adapter_hash(folder, card),
        tokenizer=base,
        found_head=changed.head,
    )


def _whole(folder: Path, card: Mapping[str, Any]) -> Tuned:
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"{folder} holds a card but no weights; copy the whole folder, or train again.")
    weights = read_tensors(folder / WEIGHTS)
    check_shapes(weights, folder)
    own = (folder / TOKENIZER).is_file()
    return Tuned(
        folder=folder,
        card=card,
        weights=weights,
        hash=whole_hash(folder),
        tokenizer=folder if own else minilm_folder(),
        found_head=read_head(folder / HEAD),
    )


def read_card(folder: Path, objective: str | None = None) -> dict[str, Any]:
    """The card of an adapter's folder. ValueError when there is none, or it was trained for something else."""
    if not folder.is_dir():
        raise ValueError(f"There is no adapter at {folder} (looked for from {Path.cwd()}).")
    if not (folder / CARD).is_file():
        raise ValueError(f"{folder} holds no {CARD}; name a folder that 'advisor train' wrote.")
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
        told = {name: card[name] for name in ("base_model", "base_hash", "method", "objective")}
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{folder / CARD} is damaged; copy the whole folder, or train again.") from None
    if objective is not None and told["objective"] != objective:
        raise ValueError(
            f"{folder} was trained to {told['objective']}, not to {objective}; name another adapter, or train one: "
            f"advisor train ROWS --objective {objective} --model minilm --out OUT"
        )
    found: dict[str, Any] = card
    return found


def is_whole(folder: Path, card: Mapping[str, Any]) -> bool:
    """Whether the folder holds a model of its own; what a base is needed for are the adapters."""
    return bool(card.get("merged")) or card["method"] == "full" or (folder / WEIGHTS).is_file()


def base_of(folder: Path, card: Mapping[str, Any]) -> Path:
    """The folder of the base that a card names. ValueError when it is not there or not the one it was trained on."""
    name = str(card["base_model"])
    if name == "minilm":
        base = minilm_folder()
        check_weights(base / WEIGHTS, MINILM_SHA256)
    else:
        base = Path(name).expanduser()
    if not (base / "config.json").is_file():
        raise ValueError(
            f"{folder} needs its base {name!r}, which is no local model; bring it there, or merge both where it is: "
            f"advisor adapters merge {folder} --out MERGED"
        )
    check_base(folder, card, base)
    return base


def check_base(folder: Path, card: Mapping[str, Any], base: Path) -> None:
    """ValueError when a base is not the one that an adapter was trained on."""
    found, expected = base_hash(base), str(card["base_hash"])
    if found != expected:
        raise ValueError(
            f"{folder} was trained on another {card['base_model']!r} (hash {expected[:12]}, here {found[:12]}); "
            f"use the one it was trained on, or train it again."
        )


def adapter_hash(folder: Path, card: Mapping[str, Any]) -> str:
    """Of the base and of all that an adapter adds; the same on every machine."""
    parts = [str(card["base_hash"]), *_tensors(folder)]
    if (folder / "adapter_config.json").is_file():
        parts.append(json.dumps(telling(folder), sort_keys=True))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def whole_hash(folder: Path) -> str:
    """Of a model's weights, its head and, where it has its own, its tokenizer."""
    own = folder / TOKENIZER
    parts = [*_tensors(folder), *([file_digest(own)] if own.is_file() else [])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _tensors(folder: Path) -> list[str]:
    return [f"{path.name} {file_digest(path)}" for path in sorted(folder.glob("*.safetensors"))]
