"""Answers that cannot act wherever they are shown: a client that renders Markdown or HTML gets no link, image or tag.

An image in an answer is fetched without a click, and its address can carry what the conversation holds. Documents may
ask a model for one, so the text of an answer from documents is broken where markup would begin, by one space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.inert import visible

# "](" makes a link or an image, "]:" at the start of a line defines one, "<a" or "<!" opens a tag or an autolink.
_DEFINED = re.compile(r"^([ \t>*+-]*\[[^\]\n]*\]):", re.MULTILINE)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
# What may turn into something else with the next piece.
_UNDECIDED = ("]", "<", "\r", "\u200c", "\u200d")


def inert_markup(text: str) -> str:
    """The text with every link, image, definition and tag broken, and without what is not drawn."""
    broken = visible(text).replace("](", "] (")
    return _TAG.sub("< ", _DEFINED.sub(r"\1 :", broken))


def inert_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """As `inert_markup`, piece by piece; what could begin markup waits for the next piece."""
    said = sent = ""
    for piece in pieces:
        said += piece
        decided = said[:-1] if said.endswith(_UNDECIDED) else said
        shown = inert_markup(decided)
        if len(shown) > len(sent):
            yield shown[len(sent) :]
            sent = shown
    if rest := inert_markup(said)[len(sent) :]:
        yield rest
