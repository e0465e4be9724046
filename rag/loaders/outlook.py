"""MSG: Outlook's mails, read from the property streams of their compound file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import olefile

from rag.loaders.blocks import Block, assemble
from rag.loaders.enclosed import DEEPEST, attachment_blocks
from rag.loaders.encodings import decode
from rag.loaders.mail import header_blocks, mail_metadata
from rag.loaders.web import html_blocks
from rag.schema import Document

Storage = list[str]
# Tags of [MS-OXPROPS].
_SUBJECT, _SENDER, _SENDER_SMTP, _SENDER_ADDRESS, _TO, _CC = "0037", "0C1A", "5D01", "0C1F", "0E04", "0E03"
_BODY, _HTML, _ATTACHED, _LONG_NAME, _SHORT_NAME = "1000", "1013", "3701", "3707", "3704"
_SENT_TIMES = (0x00390040, 0x0E060040)  # submitted, delivered


def load(path: Path, source: str) -> Document:
    """Subject, people, date, body and attachments; ValueError when it is no compound file of a mail."""
    with olefile.OleFileIO(str(path)) as file:
        if not file.exists("__properties_version1.0"):
            raise ValueError(f"{source} is damaged: it holds no mail of Outlook.")
        subject, sent = _text(file, [], _SUBJECT), _sent(file)
        blocks, unread = _mail(file, [], sent, 1)
    return assemble(blocks, source, mail_metadata(subject, sent, unread))


def _mail(file: olefile.OleFileIO, at: Storage, sent: str, level: int) -> tuple[list[Block], list[str]]:
    address = _text(file, at, _SENDER_SMTP) or _text(file, at, _SENDER_ADDRESS)
    sender = _text(file, at, _SENDER)
    headers = {
        "From": f"{sender} <{address}>" if "@" in address and address != sender else sender or address,
        "To": _text(file, at, _TO),
        "Cc": _text(file, at, _CC),
        "Date": sent,
        "Subject": _text(file, at, _SUBJECT),
    }
    blocks = header_blocks(headers, level)
    if body := _text(file, at, _BODY):
        blocks.append(Block(text=body))
    elif html := _bytes(file, at, f"{_HTML}0102"):
        blocks += html_blocks(html)[0]
    found, unread = attachment_blocks(_attached(file, at))
    blocks += found
    for place in _storages(file, at, "__attach_version1.0_"):
        inner = [*place, f"__substg1.0_{_ATTACHED}000D"]
        if file.exists(inner) and level < DEEPEST:
            more, unread_more = _mail(file, inner, "", level + 1)
            blocks, unread = blocks + more, unread + unread_more
    return blocks, unread


def _attached(file: olefile.OleFileIO, at: Storage) -> Iterator[tuple[str, bytes]]:
    for place in _storages(file, at, "__attach_version1.0_"):
        if file.exists([*place, f"__substg1.0_{_ATTACHED}0102"]):
            name = _text(file, place, _LONG_NAME) or _text(file, place, _SHORT_NAME)
            yield name, _bytes(file, place, f"{_ATTACHED}0102")


def _storages(file: olefile.OleFileIO, at: Storage, prefix: str) -> list[Storage]:
    listed = file.listdir(streams=False, storages=True)
    return [place for place in listed if place[:-1] == at and place[-1].startswith(prefix)]


def _text(file: olefile.OleFileIO, at: Storage, tag: str) -> str:
    wide = _bytes(file, at, f"{tag}001F")
    if wide:
        return wide.decode("utf-16-le", "replace").rstrip("\0").replace("\r\n", "\n")
    return decode(_bytes(file, at, f"{tag}001E").rstrip(b"\0"))


def _bytes(file: olefile.OleFileIO, at: Storage, name: str) -> bytes:
    place = [*at, f"__substg1.0_{name}"]
    return bytes(file.openstream(place).read()) if file.exists(place) else b""


def _sent(file: olefile.OleFileIO) -> str:
    """The day of sending: entries of 16 bytes follow a head of 32; times count 100 ns since 1601."""
    data = bytes(file.openstream("__properties_version1.0").read())
    times: dict[int, int] = {}
    for start in range(32, len(data) - 15, 16):
        tag, _, value = struct.unpack_from("<IIQ", data, start)
        times[tag] = value
    for tag in _SENT_TIMES:
        if 0 < times.get(tag, 0) < 1 << 58:
            began = datetime(1601, 1, 1, tzinfo=timezone.utc)
            return (began + timedelta(microseconds=times[tag] // 10)).date().isoformat()
    return ""
