"""Looks into old binary Office files, Outlook's mails and RTF: runs of letters, without following their structure."""

from __future__ import annotations

import re
from typing import IO

from .glimpse import Glimpse

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WIDE = re.compile(rb"(?:[\x20-\x7e\r\t]\x00|[\x00-\xff][\x4e-\x9f]){6,}")
_NARROW = re.compile(rb"[\x20-\x7e\r\t\x80-\xff]{12,}")
_FURNITURE = 4  # bytes of structure for each byte of text, at least
_CONTROL = re.compile(rb"\\'[0-9a-f]{2}|\\u(-?\d+) ?\??|\\[a-z]+-?\d* ?|[{}]")
_GROUPS = re.compile(rb"\{\\(?:fonttbl|colortbl|stylesheet|info|pict|\*)[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def glance_at_old_office(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """ValueError with a short reason where it is no such file."""
    raw = file.read(min(size_bytes, limit * _FURNITURE)) or b""
    if not raw.startswith(_OLE):
        raise ValueError("damaged: no file of old Office programs")
    wide = [run.decode("utf-16-le", "replace").encode() for run in _WIDE.findall(raw)]
    text = b"\n".join(wide + [run for run in _NARROW.findall(raw) if _is_words(run)])
    return Glimpse(text=text.decode("utf-8", "replace").encode(), share=len(raw) / max(size_bytes, len(raw)))


def glance_at_rtf(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """ValueError with a short reason where it does not begin as RTF does."""
    raw = file.read(min(size_bytes, limit)) or b""
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise ValueError("damaged: it does not begin as RTF does")
    text = _CONTROL.sub(_letter, _GROUPS.sub(b"", raw))
    return Glimpse(text=text, share=len(raw) / max(size_bytes, len(raw)))


def _letter(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return chr(int(match[1]) % 0x10000).encode("utf-8", "replace")
    return b"\n" if match[0].startswith((b"\\par", b"\\line", b"\\cell", b"\\row")) else b""


def _is_words(run: bytes) -> bool:
    """Compressed pictures and tables of numbers give runs too, but few spaces between few letters."""
    letters = sum(65 <= (byte & 0xDF) <= 90 for byte in run)
    return letters * 10 > len(run) * 7 and run.count(b" ") * 20 > len(run)
