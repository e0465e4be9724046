"""ZIP containers of office files and books: refused unopened when they would unpack to more than a document holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

LARGEST_UNPACKED_BYTES = 300_000_000  # a 449 KiB file is known that grows to 1,180 MB
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of encrypted and of pre-2007 Office files


def check_archive(path: Path, source: str) -> None:
    """ValueError when the file is no archive, an encrypted one, or a bomb."""
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == OLE_MAGIC:
        raise ValueError(f"{source} is encrypted or in an old Office format; save it without a password.")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{source} is damaged: it is no {path.suffix[1:].upper()} archive. Open and save it again."
        )
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > LARGEST_UNPACKED_BYTES:
        raise ValueError(
            f"{source} unpacks to {unpacked / 1e6:.0f} MB, above the limit of "
            f"{LARGEST_UNPACKED_BYTES / 1e6:.0f} MB; split it."
        )
