"""EML: the header lines that people read, the body, and the texts of what is attached."""

from __future__ import annotations

import email
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

from rag.loaders.blocks import Block, assemble
from rag.loaders.enclosed import DEEPEST, attachment_blocks
from rag.loaders.encodings import decode
from rag.loaders.web import html_blocks
from rag.schema import Document

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def load(path: Path, source: str) -> Document:
    """The subject is the title, the date that of sending; a body in HTML counts when there is none in text."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    if not isinstance(message, EmailMessage) or not any(message.get(name) for name in _SHOWN):
        raise ValueError(f"{source} is damaged: it has none of the header lines of a mail.")
    headers = {name: _header(message, name) for name in _SHOWN}
    blocks, unread = _message_blocks(message, 1)
    return assemble(blocks, source, mail_metadata(headers["Subject"], sent_on(headers["Date"]), unread))


def mail_metadata(subject: str, sent: str, unread: Sequence[str]) -> dict[str, str]:
    """What a mail says of itself; `unread` names attachments that gave no text."""
    found = {"title": subject, "date": sent, "unread": "; ".join(unread)}
    return {key: value for key, value in found.items() if value}


def header_blocks(headers: dict[str, str], level: int) -> list[Block]:
    """The subject as a heading, then a line for each other header that is there."""
    subject = headers.get("Subject", "")
    lines = "\n".join(f"{name}: {value}" for name, value in headers.items() if value and name != "Subject")
    return [Block(text=subject, kind="heading", level=level), Block(text=lines)]


def sent_on(date: str) -> str:
    """The day of a Date line as ISO text, "" for one that is none."""
    try:
        return parsedate_to_datetime(date).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _message_blocks(message: EmailMessage, level: int) -> tuple[list[Block], list[str]]:
    blocks = header_blocks({name: _header(message, name) for name in _SHOWN}, level)
    body = message.get_body(preferencelist=("plain", "html"))
    if isinstance(body, EmailMessage):
        blocks += _body(body)
    found, unread = attachment_blocks(_attached(message, body))
    blocks += found
    for inner in _forwarded(message):
        if level >= DEEPEST:
            unread.append("a mail within mails")
            continue
        more, unread_more = _message_blocks(inner, level + 1)
        blocks, unread = blocks + more, unread + unread_more
    return blocks, unread


def _body(part: EmailMessage) -> list[Block]:
    data = _bytes(part)
    if part.get_content_type() == "text/html":
        return html_blocks(data)[0]
    return [Block(text=decode(data, part.get_content_charset()))]


def _bytes(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _attached(message: EmailMessage, body: object) -> Iterator[tuple[str, bytes]]:
    """Named parts, and texts without a name beside the body; pictures and the like without a name are layout."""
    for part in message.walk():
        if part is body or part.is_multipart() or not isinstance(part, EmailMessage):
            continue
        name = part.get_filename() or ""
        if name and part.get_content_disposition() == "attachment":
            yield str(name), _bytes(part)


def _forwarded(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.iter_attachments():
        if part.get_content_type() == "message/rfc822":
            yield from (inner for inner in part.iter_parts() if isinstance(inner, EmailMessage))
