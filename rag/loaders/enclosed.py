"""Files inside other files (attachments, members of an archive) to Documents, by way of a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from rag.loaders import LOADERS, load_document
from rag.loaders.blocks import Block, blocks_within
from rag.schema import Document

DEEPEST = 3  # a mail in a mail in a mail


def load_enclosed(data: bytes, name: str, source: str) -> Document:
    """The document in `data`; of its `name` only the suffix touches the disk. Errors as `load_document`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"enclosed{suffix_of(name)}"
        path.write_bytes(data)
        return load_document(path, source)


def suffix_of(name: str) -> str:
    """The suffix of a name that a stranger gave, "" for one that is not read."""
    suffix = PurePosixPath(last_part(name)).suffix.lower()
    return suffix if suffix in LOADERS else ""


def last_part(name: str) -> str:
    """The name without folders, whichever way its slashes lean."""
    return PureWindowsPath(PurePosixPath(name).name).name


def attachment_blocks(attached: Iterable[tuple[str, bytes]]) -> tuple[list[Block], list[str]]:
    """The texts of attachments, each below a heading with its name, and lines for those that gave none."""
    blocks: list[Block] = []
    unread: list[str] = []
    for name, data in attached:
        shown = last_part(name) or "without a name"
        if not suffix_of(name):
            unread.append(f"{shown}: format not read")
            continue
        try:
            document = load_enclosed(data, name, shown)
        except (ValueError, OSError) as error:
            unread.append(str(error).rstrip("."))
            continue
        blocks.append(Block(text=f"Attachment: {shown}", kind="heading", level=2))
        blocks += blocks_within(document, 2)
    return blocks, unread
