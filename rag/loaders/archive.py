"""ZIP archives: each member is a document of its own; number, nesting and size have limits; no name becomes a path."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.loaders.blocks import Block, assemble, blocks_within
from rag.loaders.enclosed import DEEPEST, last_part, load_enclosed, suffix_of
from rag.schema import Document

MOST_MEMBERS = 10_000
LARGEST_UNPACKED_BYTES = 2_000_000_000  # of an archive with all that lies within
LARGEST_MEMBER_BYTES = 300_000_000
_MOST_RATIO = 500  # text packs to a fiftieth at best; bombs lie near a thousandth
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, EOFError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in an archive: the names that lead to it, one for each archive it lies in, how to show it, its digest.

    The digest comes from the size and the checksum of the directory, so that nothing is unpacked to know it.
    """

    names: tuple[str, ...]
    shown: str
    digest: str


def list_members(path: Path, source: str) -> tuple[list[Member], list[str]]:
    """The members that can be read and lines for the others. ValueError when the archive itself is refused."""
    listing = _Listing(source)
    with _opened(path, source) as archive:
        listing.add(archive, (), source)
    return list(listing.members.values()), listing.skipped


def load_member(path: Path, names: Sequence[str], source: str) -> Document:
    """One member, by the names that `list_members` gave. Errors as `load_document`."""
    with _opened(path, source) as archive:
        data = _content(archive, names[0], source)
    for name in names[1:]:
        with tempfile.TemporaryFile() as inner:
            inner.write(data)
            with zipfile.ZipFile(inner) as archive:
                data = _content(archive, name, source)
    return load_enclosed(data, names[-1], source)


def load(path: Path, source: str) -> Document:
    """The whole archive as one document, each member below its name; an index takes the members one by one."""
    members, skipped = list_members(path, source)
    blocks: list[Block] = []
    for member in members:
        blocks.append(Block(text=member.shown, kind="heading", level=1))
        blocks += blocks_within(load_member(path, member.names, f"{source}/{member.shown}"), 1)
    if not members:
        raise ValueError(f"{source} holds no documents" + (f" ({skipped[0]})." if skipped else "."))
    return assemble(blocks, source)


class _Listing:
    """What was found so far, and how much of the limits it used up."""

    def __init__(self, source: str) -> None:
        self.members: dict[tuple[str, ...], Member] = {}  # of two with one name the last counts, as for unzip
        self.skipped: list[str] = []
        self._source = source
        self._seen = 0
        self._bytes = 0

    def add(self, archive: zipfile.ZipFile, above: tuple[str, ...], shown_above: str) -> None:
        for entry in archive.infolist():
            if entry.is_dir() or _is_furniture(entry.filename):
                continue
            self._count(entry)
            names, shown = (*above, entry.filename), f"{shown_above}/{_shown(entry)}"
            nested = entry.filename.lower().endswith(".zip")
            if reason := _refusal(entry, nested, len(names)):
                self.skipped.append(f"{shown}: {reason}")
            elif nested:
                self._nested(archive, names, shown)
            else:
                digest = hashlib.sha256(f"{entry.CRC:08x} {entry.file_size}".encode()).hexdigest()
                below = shown.removeprefix(f"{self._source}/")
                self.members[names] = Member(names=names, shown=below, digest=digest)

    def _count(self, entry: zipfile.ZipInfo) -> None:
        self._seen += 1
        self._bytes += entry.file_size
        if self._seen > MOST_MEMBERS:
            raise ValueError(
                f"{self._source} holds more than {MOST_MEMBERS:,} files; unpack it into the folder."
            )
        if self._bytes > LARGEST_UNPACKED_BYTES:
            limit = f"{LARGEST_UNPACKED_BYTES / 1e9:.0f} GB"
            raise ValueError(f"{self._source} unpacks to more than {limit}; unpack what is needed of it.")

    def _nested(self, archive: zipfile.ZipFile, names: tuple[str, ...], shown: str) -> None:
        try:
            with tempfile.TemporaryFile() as inner:
                inner.write(_content(archive, names[-1], shown))
                with zipfile.ZipFile(inner) as nested:
                    self.add(nested, names, shown)
        except _DAMAGED as error:
            self.skipped.append(f"{shown}: damaged ({error})")


def _opened(path: Path, source: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"{source} is damaged: it is no ZIP archive. Pack it again.") from error


def _content(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    """The bytes of a member, at most as many as the directory says."""
    entry = archive.getinfo(name)
    if reason := _refusal(entry, False, 0, any_format=True):
        raise ValueError(f"{source}: {reason}")
    try:
        return archive.read(entry)
    except _DAMAGED as error:
        raise ValueError(f"{source} is damaged ({error}).") from error


def _refusal(entry: zipfile.ZipInfo, nested: bool, depth: int, any_format: bool = False) -> str:
    """Why a member is not read, "" when it is."""
    parts = entry.filename.replace("\\", "/").split("/")
    if ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "its name leads out of the archive"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted; pack it without a password"
    if entry.file_size > LARGEST_MEMBER_BYTES or entry.file_size > _MOST_RATIO * max(
        entry.compress_size, 1_000
    ):
        return f"unpacks from {entry.compress_size:,} to {entry.file_size:,} bytes, as no document does"
    if nested and depth >= DEEPEST:
        return f"an archive within {DEEPEST} archives"
    if nested or any_format or suffix_of(entry.filename):
        return ""
    suffix = Path(last_part(entry.filename)).suffix.lower()
    return f"format {suffix or 'without a suffix'} is not read"


def _is_furniture(name: str) -> bool:
    """Hidden files, and those that a Mac or an open Word leaves beside the real ones."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in (".", "..")]
    return any(part.startswith((".", "~$")) or part == "__MACOSX" for part in parts)


def _shown(entry: zipfile.ZipInfo) -> str:
    """The name as people read it; without the flag for UTF-8 it is in whatever code page the packer had."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME and not name.isascii():
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb2312"):  # both refuse nearly all that is not theirs
            with contextlib.suppress(UnicodeDecodeError):
                name = raw.decode(encoding)
                break
    return " ".join(name.replace("\\", "/").split())
