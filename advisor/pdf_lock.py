"""Whether an encrypted PDF opens without a password: many are only restricted in printing or copying."""

from __future__ import annotations

import hashlib
import re

from .pdf_objects import PdfObjects, dictionary
from .pdf_strings import unescaped

# PDF 32000-1, 7.6.3.3: what a password is padded with.
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_NUMBER = rb"/%s\s+(-?\d{1,12})\b"
_KEY_ROUNDS, _CHECK_ROUNDS = 50, 19


def opens_without_password(pdf: PdfObjects, raw: bytes) -> bool:
    """Tries the empty user password by algorithms 6 and 7; False for AES-256, whose check takes more than hashing."""
    head = _encryption(pdf, raw)
    revision = _number(head, b"R")
    if revision not in (2, 3, 4):
        return False
    owner, user = _string(head, b"O")[:32], _string(head, b"U")
    identity = re.search(rb"/ID\s*\[\s*(?=[<(])", raw)
    first_id = _first_string(raw[identity.end() : identity.end() + 400]) if identity else b""
    key = _key(head, revision, owner, first_id)
    if revision == 2:
        return _rc4(key, _PADDING) == user[:32]
    check = _rc4(key, hashlib.md5(_PADDING + first_id, usedforsecurity=False).digest())
    for step in range(1, _CHECK_ROUNDS + 1):
        check = _rc4(bytes(byte ^ step for byte in key), check)
    return check == user[:16]


def _encryption(pdf: PdfObjects, raw: bytes) -> bytes:
    """The encryption dictionary, which the trailer holds or refers to."""
    place = raw.rfind(b"/Encrypt")
    number = pdf.number(raw[place : place + 40], b"Encrypt")
    return pdf.head(number) if number is not None else dictionary(raw[place + len(b"/Encrypt") :][:4096])


def _key(head: bytes, revision: int, owner: bytes, first_id: bytes) -> bytes:
    length = min(max(_number(head, b"Length", 40) // 8, 5), 16) if revision > 2 else 5
    permissions = (_number(head, b"P") & 0xFFFFFFFF).to_bytes(4, "little")
    open_metadata = b"\xff\xff\xff\xff" if revision == 4 and b"/EncryptMetadata false" in head else b""
    key = hashlib.md5(
        _PADDING + owner + permissions + first_id + open_metadata, usedforsecurity=False
    ).digest()
    for _ in range(_KEY_ROUNDS if revision > 2 else 0):
        key = hashlib.md5(key[:length], usedforsecurity=False).digest()
    return key[:length]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _number(head: bytes, key: bytes, missing: int = 0) -> int:
    found = re.search(_NUMBER % key, head)
    return int(found[1]) if found else missing


def _string(head: bytes, key: bytes) -> bytes:
    place = re.search(rb"/%s\s*(?=[<(])" % key, head)
    return _first_string(head[place.end() :]) if place else b""


def _first_string(text: bytes) -> bytes:
    """The string that `text` starts with, in digits or in parentheses; one of 32 bytes may hold escaped ones."""
    digits = re.match(rb"<((?:[0-9A-Fa-f]{2}\s*){0,200})>", text)
    if digits:
        return bytes.fromhex(digits[1].decode())
    inner = re.match(rb"\(((?:[^\\()]|\\.){0,400})\)", text, re.DOTALL)
    return unescaped(inner[1]) if inner else b""
