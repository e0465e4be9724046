"""Makes of a trained adapter what a program carries along: its tensors in fp16, its settings and its card, no more."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from finetune.adapters import is_whole, read_card, write_card
from finetune.schema import AdapterCard

SETTINGS = "adapter_config.json"


def slim_adapter(adapter: Path, target: Path) -> list[str]:
    """Writes `target`, which must not exist yet; returns a line for each file with its size and SHA-256.

    Raises ValueError for a whole model and for weights that fp16 cannot hold.
    """
    card = read_card(adapter)
    if is_whole(card):
        raise ValueError(
            f"'{adapter}' is a whole model; train an adapter (--method lora), which is a few MB."
        )
    halves = {file.name: _halved(file) for file in sorted(adapter.glob("*.safetensors"))}
    if not halves:
        raise ValueError(f"'{adapter}' holds a card but no weights; copy the whole folder, or train again.")
    target.mkdir(parents=True)
    for name, tensors in halves.items():
        save_file(tensors, target / name, metadata={"format": "pt"})
    if (adapter / SETTINGS).is_file():
        (target / SETTINGS).write_text(_sorted((adapter / SETTINGS).read_text("utf-8")), "utf-8")
    write_card(_placeless(card), target)
    return [_line(file) for file in sorted(target.iterdir())]


def _halved(file: Path) -> dict[str, torch.Tensor]:
    found = {name: tensor.to(torch.float16).contiguous() for name, tensor in load_file(file).items()}
    if wrong := next((name for name, tensor in found.items() if not tensor.isfinite().all()), None):
        raise ValueError(f"{wrong} in '{file}' is beyond what fp16 holds; ship the adapter as it is.")
    return found


def _sorted(settings: str) -> str:
    """The same for the same run: peft writes sets in whatever order."""
    found = json.loads(settings)
    for name, value in found.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            found[name] = sorted(value)
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _placeless(card: AdapterCard) -> AdapterCard:
    """Without the folders of the machine that it was trained on."""
    own = {"out", "adapter", "general"}
    config = {
        name: Path(value).name if name in own and isinstance(value, str) else value
        for name, value in card.config.items()
    }
    if parts := card.config.get("combined"):
        config["combined"] = [{**part, "adapter": Path(part["adapter"]).name} for part in parts]
    started = {
        name: Path(value).name if name == "path" else value for name, value in card.started_from.items()
    }
    return replace(card, config=config, started_from=started)


def _line(file: Path) -> str:
    data = file.read_bytes()
    return f"{file.name}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}"
