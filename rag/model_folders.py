"""Where a model comes from: a folder or the hub; and which extra brings the library that runs it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

_PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model"]


def need(module: str, purpose: str = "Embedding", extra: str = "rag") -> Any:
    """The module, or an ImportError that names the extra which cures its absence."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{purpose} needs {error.name}: pip install 'llm-adaptation-advisor[{extra}]'"
        ) from error


def model_folder(name: str, kind: str, otherwise: str) -> Path:
    """The local folder of that name, else what the hub has. OSError says what else can be done: `otherwise`."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    hub = need("huggingface_hub")
    try:
        # Asked first with a limit: snapshot_download waits for ever on a hub that takes the call and is silent.
        found = hub.model_info(name, timeout=10.0)
        return Path(hub.snapshot_download(name, revision=found.sha, allow_patterns=_PATTERNS))
    except Exception as error:  # the hub client raises a dozen kinds for "no such name" and "no network"
        raise OSError(
            f"{kind} {name!r} is no local folder, and the hub did not give it ({type(error).__name__}); "
            f"check the name or the network, or {otherwise}."
        ) from error


def without_bar() -> None:
    """A bar for each load would break into the program's own."""
    need("transformers.utils.logging", extra="models").disable_progress_bar()
