"""A news text as the numbers that the sentiment weights read: hashed words, pairs and pieces of words, all of length 1.

Only hashes are kept of what training saw, so that no sentence can be read back from the weights.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.words import tokenize

# Codes of news agencies ("<XYZ.N>", "[nL4N2Z028U]") and the line that names reporters say nothing of the matter.
_AGENCY = re.compile(r"<[^<>]{1,12}>|\[n[A-Za-z0-9]{6,}\]|\((?:Reporting|Writing|Compiled) by.*", re.DOTALL)
_NUMBER = re.compile(r"\d[\d.,]*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grams:
    """Which pieces are counted: runs of so many words, and of so many characters; `bits` of their hash are kept."""

    words: tuple[int, ...]
    characters: tuple[int, ...]
    bits: int


def grams(text: str, kinds: Grams) -> list[str]:
    """The pieces of a text; every number is the same piece, because its value says no direction."""
    clean = _AGENCY.sub(" ", text)
    words = [_NUMBER.sub("0", word) for word in tokenize(clean)]
    letters = _SPACE.sub(" ", _NUMBER.sub("0", clean.lower())).strip()
    found = [
        "w" + " ".join(words[at : at + length])
        for length in kinds.words
        for at in range(len(words) - length + 1)
    ]
    found += [
        "c" + letters[at : at + length]
        for length in kinds.characters
        for at in range(len(letters) - length + 1)
    ]
    return found


def buckets(text: str, kinds: Grams) -> Any:
    """The distinct places, in order, that the pieces of a text have among 2 ** bits."""
    mask = (1 << kinds.bits) - 1
    return np.array(sorted({zlib.crc32(gram.encode()) & mask for gram in grams(text, kinds)}), dtype=np.int64)


def gram_rows(texts: Sequence[str], kinds: Grams) -> Any:
    """Shape (texts, 2 ** bits): for training."""
    rows = np.zeros((len(texts), 1 << kinds.bits), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        at = buckets(text, kinds)
        row[at] = 1 / np.sqrt(max(len(at), 1))
    return rows
