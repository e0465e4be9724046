"""The text of HTML and XML, cut out of the bytes without a parser."""

from __future__ import annotations

import re

# Blocks whose content is no text, and how they end. Looked for one after the other, so that a file full of openings
# costs no more than any other: a single expression for tags and blocks would take the square of its length.
_BLOCK = re.compile(rb"(?i)<(script|style|svg|ix:header)\b|<!--")
_ENTITIES = (
    (b"&nbsp;", b" "),
    (b"&lt;", b"<"),
    (b"&gt;", b">"),
    (b"&quot;", b'"'),
    (b"&amp;", b"&"),
)


def without_tags(data: bytes) -> bytes:
    """The text between tags, in time proportional to the length whatever the bytes are."""
    first, *rest = data.split(b"<")
    text = b" ".join([first, *[piece.partition(b">")[2] for piece in rest]])
    return _with_letters(text) if b"&" in text else text


def without_blocks(data: bytes) -> bytes:
    """Drops scripts, styles and comments; one that never ends reaches to the end of the text, as in a browser."""
    match = _BLOCK.search(data)
    if match is None:
        return data
    lower, kept, start = data.lower(), [], 0
    while match := _BLOCK.search(data, start):
        kept.append(data[start : match.start()])
        closing = b"</" + match[1].lower() if match[1] else b"-->"
        end = lower.find(closing, match.end())
        if end < 0:
            return b" ".join(kept)
        start = end + (0 if match[1] else len(closing))
    kept.append(data[start:])
    return b" ".join(kept)


def _with_letters(text: bytes) -> bytes:
    """Some writers give every Chinese character by its number, &#20844;."""
    if b"&#" in text:
        import html

        return html.unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    return text
