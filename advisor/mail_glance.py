"""Looks into a mail: its head and the parts that are text."""

from __future__ import annotations

from typing import IO

from .glimpse import Glimpse
from .markup_text import without_blocks, without_tags
from .to_utf8 import to_utf8

_HEAD = ("from", "to", "subject", "date")


def glance_at_mail(file: IO[bytes], size_bytes: int, limit: int) -> Glimpse:
    """ValueError with a short reason where it has none of the header lines of a mail."""
    import email

    raw = file.read(min(size_bytes, limit)) or b""
    message = email.message_from_bytes(raw)
    head = [f"{name}: {message[name]}" for name in _HEAD if message[name]]
    if not head:
        raise ValueError("damaged: no header lines of a mail")
    texts = ["\n".join(map(str, head)).encode("utf-8", "replace")]
    plain_seen = False
    for part in message.walk():
        kind, content = part.get_content_type(), part.get_payload(decode=True)
        if not isinstance(content, bytes) or not kind.startswith("text/"):
            continue
        if kind == "text/html" and plain_seen:
            continue  # the same text a second time
        plain_seen = plain_seen or kind == "text/plain"
        text = to_utf8(content) if content else b""
        texts.append(without_tags(without_blocks(text)) if kind == "text/html" else text)
    return Glimpse(text=b"\n".join(texts), share=len(raw) / max(size_bytes, len(raw)))
