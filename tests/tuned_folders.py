"""Adapters on MiniLM as a run leaves them, written in milliseconds: LoRA with random numbers, beside a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from rag.weights import base_hash, minilm_folder

RANK, WIDTH = 4, 384
PARTS = ("query", "value")


def write_adapter(
    folder: Path,
    *,
    objective: str = "embed",
    outputs: int = 0,
    strength: float = 0.05,
    kind: Any = np.float32,
    seed: int = 0,
    card: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """LoRA on two projections of each layer, as peft stores it, and a head of `outputs` where it has any."""
    chance = np.random.default_rng(seed)
    tensors = {}
    for layer in range(6):
        for part in PARTS:
            name = f"base_model.model.encoder.encoder.layer.{layer}.attention.self.{part}"
            tensors[f"{name}.lora_A.weight"] = chance.standard_normal((RANK, WIDTH)) * strength
            tensors[f"{name}.lora_B.weight"] = chance.standard_normal((WIDTH, RANK)) * strength
    if outputs:
        tensors["base_model.model.classifier.weight"] = chance.standard_normal((outputs, WIDTH))
        tensors["base_model.model.classifier.bias"] = np.zeros(outputs)
    folder.mkdir(parents=True)
    save_file(
        {name: value.astype(kind) for name, value in tensors.items()}, folder / "adapter_model.safetensors"
    )
    known = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "use_rslora": False, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(known | settings))
    told = {"base_model": "minilm", "base_hash": base_hash(minilm_folder()), "method": "lora"}
    told |= {"objective": objective, "config": {}} | (card or {})
    (folder / "adapter_card.json").write_text(json.dumps(told))
    return folder
