"""Raw text for continued pretraining: one file, or every text file of a folder."""

from __future__ import annotations

from pathlib import Path

from finetune.formats.encodings import decoded
from finetune.formats.faults import Fault

TEXTS = (".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".tex", ".log")


def is_text_folder(folder: Path) -> bool:
    return any(file.is_file() and file.suffix.lower() in TEXTS for file in folder.rglob("*"))


def text_files(source: Path) -> list[Path]:
    """The file itself, or a folder's text files in a fixed order; hidden ones are passed over."""
    if source.is_file():
        return [source]
    return [
        file
        for file in sorted(source.rglob("*"))
        if file.is_file()
        and file.suffix.lower() in TEXTS
        and not any(part.startswith(".") for part in file.relative_to(source).parts)
    ]


def document(file: Path) -> str | Fault:
    text = decoded(file.read_bytes())
    return Fault(line=0, reason="not UTF-8; save the file as UTF-8.") if text is None else text
