"""Uploaded files and typed names to places on the disk, so that no name can lead out of its folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

from rag.durable import replace_file

_MAX_BYTES = 200  # of a name; most file systems hold 255
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
# Names that Windows keeps for devices, with whatever suffix.
_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def safe_name(name: str) -> str:
    """The last part of an uploaded name, without what a file system or a path would read as more than a name.

    Raises ValueError when nothing is left.
    """
    last = PureWindowsPath(PurePosixPath(unicodedata.normalize("NFC", name)).name).name
    # Characters without a width (and those that turn the direction of writing) let two names look alike.
    visible = "".join(c for c in last if unicodedata.category(c) not in ("Cf", "Cs"))
    cleaned = _FORBIDDEN.sub("_", visible).strip(" .")
    if not cleaned.strip("_"):
        raise ValueError(f"{name!r} is no name for a file; rename it.")
    return _shortened(f"_{cleaned}" if _DEVICES.match(cleaned) else cleaned)


def _shortened(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem and len(suffix) <= 10 else (name, "")
    while len((stem + suffix).encode()) > _MAX_BYTES:
        stem = stem[:-1]
    return stem + suffix


def save_upload(folder: Path, name: str, data: bytes) -> tuple[Path, bool]:
    """Writes an upload whole or not at all; True when it replaced a file of that name.

    The same name again is the new version of a document, as in the index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / safe_name(name)
    if path.resolve().parent != folder.resolve():
        raise ValueError(f"{name!r} leads out of the folder of the documents; rename it.")
    replaced = path.exists()
    replace_file(path, data)
    return path, replaced


def index_name(name: str) -> str:
    """A typed name for an index as the name of its folder. Raises ValueError when it is none."""
    found = re.sub(r"[^\w-]+", "-", name.strip(), flags=re.UNICODE).strip("-_")
    if not found:
        raise ValueError("Give the index a name of letters and digits, such as 'handbook'.")
    return _shortened(found)
