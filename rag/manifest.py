"""manifest.json: which generation of an index answers, what made it, and the sums of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rag.durable import replace_file

FORMAT = 2  # 1 kept chunks and texts in memory; it never left this repository
NAME = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that a reader must agree with before it trusts the files of a generation."""

    generation: int
    embedder: str
    weight_hash: str
    dimension: int
    store: str
    chunk_tokens: int
    overlap_tokens: int
    documents: int
    chunks: int
    notice: str = ""
    collection: str = ""  # names this index in a store that lives elsewhere
    store_uri: str | None = None  # where that store lives
    checksums: Mapping[str, str] = field(default_factory=dict)  # file in the generation's folder -> SHA-256
    format: int = FORMAT

    @property
    def folder_name(self) -> str:
        return f"g{self.generation:04d}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The one atomic step that makes a new generation answer."""
    replace_file(folder / NAME, (json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n").encode())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest, None when there is none yet. ValueError when it is damaged or of another format."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        version = found["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is damaged; {_again(folder)}") from error
    if version != FORMAT:
        raise ValueError(
            f"{folder} has format {version!r}, this program reads format {FORMAT}; {_again(folder)}"
        )
    try:
        return Manifest(**found)
    except TypeError as error:
        raise ValueError(f"{path} lacks or has unknown fields; {_again(folder)}") from error


def _again(folder: Path) -> str:
    return f"delete {folder} and index the documents again: advisor index DOCS --out {folder}"
