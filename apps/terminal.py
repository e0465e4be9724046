"""What a terminal or a pipe can show."""

from __future__ import annotations

from typing import TextIO

from advisor.memory_bar import ALL_MARKS
from advisor.page import SYMBOLS


def has_blocks(stream: TextIO) -> bool:
    """Whether the marks of bars and verdicts can be written in the stream's encoding."""
    marks = ALL_MARKS + "".join(mark for mark, _, _ in SYMBOLS.values()) + "·"
    try:
        marks.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
