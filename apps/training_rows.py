"""Reads what a run learns from: files of rows, or for continued pretraining a folder of any documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune import Example, TrainConfig


def training_rows(path: str, config: TrainConfig) -> list[Example]:
    """The rows at `path`. Raises ValueError or OSError in one line."""
    from finetune import load_examples
    from finetune.objectives import SAMPLING

    folder = Path(path)
    if config.objective == "pretrain" and folder.is_dir() and not (folder / "state.json").is_file():
        return _documents(folder, "bad_rows" in config.allow)
    return load_examples(
        path, allow=config.allow, prompts=config.objective in SAMPLING, spans=config.objective == "span_qa"
    )


def _documents(folder: Path, skip_bad: bool) -> list[Example]:
    """Every document that the index could read too."""
    from finetune.formats import documents_as_examples
    from rag import load_folder

    documents, problems = load_folder(folder)
    if problems and not skip_bad:
        more = f" ({len(problems) - 1} more files)" if len(problems) > 1 else ""
        raise ValueError(f"{problems[0].rstrip('.')}{more}; train without them with --allow bad_rows.")
    rows = documents_as_examples(document.text for document in documents)
    if not rows:
        raise ValueError(f"'{folder}' holds no document with text; name a folder of documents.")
    return rows
