"""What a worker and its parent say to each other: JSON with its length before it; nothing in it is trusted."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

from rag.schema import Document, Heading, Page

LARGEST_MESSAGE_BYTES = 1 << 28
_LENGTH = struct.Struct(">I")


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message and flush."""
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(data) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"A message of {len(data)} bytes is above the limit of {LARGEST_MESSAGE_BYTES}.")
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any]:
    """Read one message. EOFError when the other side is gone, ValueError for what is no message."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"A message of {length} bytes is above the limit of {LARGEST_MESSAGE_BYTES}.")
    message = json.loads(_exactly(stream, length).decode("utf-8", "surrogatepass"))
    if not isinstance(message, dict):
        raise ValueError("A message must be an object.")
    return message


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = stream.read(length - len(data))
        if not part:
            raise EOFError("The other side closed the pipe.")
        data += part
    return bytes(data)


def document_message(document: Document) -> dict[str, Any]:
    """A document as JSON carries it; its source is known to whoever asked."""
    return {
        "text": document.text,
        "pages": [[page.number, page.start, page.end] for page in document.pages],
        "headings": [[heading.path, heading.start] for heading in document.headings],
        "metadata": dict(document.metadata),
    }


def document_of(message: dict[str, Any], source: str) -> Document:
    """The document of a message. ValueError when a field or a span is not what it should be."""
    text, metadata = message.get("text"), message.get("metadata")
    if not isinstance(text, str) or not isinstance(metadata, dict):
        raise ValueError("the text or the metadata are missing")
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in metadata.items()):
        raise ValueError("metadata must be text")
    pages = tuple(Page(number=n, start=a, end=b) for n, a, b in message.get("pages", ()))
    headings = tuple(Heading(path=path, start=start) for path, start in message.get("headings", ()))
    places = [(page.start, page.end, page.number) for page in pages] + [
        (h.start, h.start, 1) for h in headings
    ]
    for place in places:
        if not all(type(value) is int for value in place) or not 0 <= place[0] <= place[1] <= len(text):
            raise ValueError("a page or a heading lies outside the text")
    if not all(isinstance(heading.path, str) for heading in headings):
        raise ValueError("a heading must be text")
    starts = [page.start for page in pages], [heading.start for heading in headings]
    if any(found != sorted(found) for found in starts):
        raise ValueError("pages or headings are not in the order of the text")
    return Document(text=text, source=source, pages=pages, headings=headings, metadata=metadata)
