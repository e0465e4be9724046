"""Reads the cards of trained adapters, finds them, and refuses a base model that is not the one they were
trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

from finetune.methods import entry
from finetune.schema import AdapterCard
from finetune.versions import is_version, recover
from finetune.weights import base_hash

CARD = "adapter_card.json"
HEAD = "head.safetensors"  # of a whole model, beside it


def read_card(path: str | Path) -> AdapterCard:
    """The card beside an adapter's weights. Raises FileNotFoundError or ValueError in one line."""
    folder = Path(path)
    file = folder / CARD
    if not folder.is_dir() and not recover(folder):
        raise FileNotFoundError(
            f"No adapter at '{folder}'; train one with `advisor train`, or correct the path."
        )
    if not file.is_file():
        raise FileNotFoundError(f"'{folder}' holds no {CARD}, so it is no finished adapter of this program.")
    try:
        content = json.loads(file.read_text("utf-8"))
        known = {field.name for field in fields(AdapterCard)}
        return AdapterCard(
            **{key: value for key, value in content.items() if key in known and key != "labels"},
            labels=tuple(content.get("labels", ())),
        )
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise ValueError(f"'{file}' is damaged ({error}); train the adapter again.") from None


def write_card(card: AdapterCard, folder: Path) -> None:
    """Writes the card; the last file of an adapter, so that its presence means a whole adapter."""
    (folder / CARD).write_text(json.dumps(asdict(card), ensure_ascii=False, indent=2) + "\n", "utf-8")


def check_base(card: AdapterCard, model_path: str | Path) -> None:
    """Raises ValueError when the weights at `model_path` are not those that the adapter was trained on."""
    if base_hash(model_path) != card.base_hash:
        raise ValueError(
            f"This adapter was trained on '{card.base_model}'; '{model_path}' holds other weights. "
            f"Give '{card.base_model}' as the model, or train an adapter for this one."
        )


def check_tokenizer(adapter: str | Path, model_path: str | Path) -> None:
    """Raises ValueError when an adapter's tokenizer numbers the words otherwise than its base does."""
    words = [_vocabulary(Path(folder)) for folder in (adapter, model_path)]
    if None not in words and words[0] != words[1]:
        raise ValueError(
            f"The tokenizer in '{adapter}' is not that of '{model_path}': the same word has another number. "
            "Restore the one that the adapter was trained with, or train it again."
        )


def _vocabulary(folder: Path) -> object:
    """Words and their numbers as tokenizer.json lists them; None where a tokenizer has no such file."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text("utf-8"))["model"].get("vocab")
    except (json.JSONDecodeError, KeyError, AttributeError) as error:
        raise ValueError(f"'{file}' is damaged ({error}); restore it.") from None


def is_whole(card: AdapterCard) -> bool:
    """Whether the folder holds a whole model: a full run leaves one, and so does a merge."""
    return card.merged or entry(card.method).whole


def list_adapters(folder: str | Path) -> list[tuple[Path, AdapterCard]]:
    """Every finished adapter in a folder and below it, by path; earlier versions of one are not listed beside it.

    Raises ValueError for a damaged card.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"No folder at '{root}'; give the folder where adapters were saved.")
    found = [file.parent for file in sorted(root.rglob(CARD))]
    return [(path, read_card(path)) for path in found if not is_version(path.relative_to(root))]
