"""Finds the passages of documents that hold the most telling of some words: a small index, made for one profile."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from .plain_words import loose_words, plain

_PIECE = 400  # characters; a passage is a piece with what stands beside it
_COMMON = 0.05, 50  # a word that more than this share of the pieces hold, and so many, points to none of them
_MOST_TELLING = 24  # words of a text by which its place is found


class Passage(NamedTuple):
    document: str
    start: int
    end: int


class Passages:
    """Documents in pieces, indexed by the words of `vocabulary` alone. It is state that lives between look-ups."""

    def __init__(self, documents: Mapping[str, str], vocabulary: Collection[str]) -> None:
        self._texts = dict(sorted(documents.items()))
        self._pieces: list[tuple[str, int]] = []  # document, place in its text
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._plain: dict[Passage, str] = {}
        wanted = frozenset(vocabulary)
        for name, text in self._texts.items():
            for start in range(0, len(text), _PIECE):
                for word in loose_words(text[start : start + _PIECE]) & wanted:
                    self._holders[word].append(len(self._pieces))
                self._pieces.append((name, start))

    def weight(self, word: str) -> float:
        """How telling a word is: the logarithm of how seldom a piece holds it."""
        return math.log((len(self._pieces) + 1) / (len(self._holders.get(word, ())) + 0.5))

    def best(self, text: str, count: int, letters: int, within: str | None = None) -> list[Passage]:
        """At most `count` passages, with `letters` on either side, that share the most telling words with `text`."""
        scores: defaultdict[int, float] = defaultdict(float)
        known = sorted((word for word in loose_words(text) if word in self._holders), key=self._telling)
        for word in known[:_MOST_TELLING]:
            holders, weight = self._holders[word], self.weight(word)
            if within is not None:
                holders = [piece for piece in holders if self._pieces[piece][0] == within]
            elif len(holders) > max(_COMMON[0] * len(self._pieces), _COMMON[1]):
                break
            for piece in holders:
                scores[piece] += weight
        found = sorted(scores, key=lambda piece: (-round(scores[piece], 6), piece))[:count]
        places = (self._pieces[piece] for piece in found)
        return [Passage(name, max(0, start - letters), start + _PIECE + letters) for name, start in places]

    def _telling(self, word: str) -> tuple[int, str]:
        return len(self._holders[word]), word

    def whole(self, document: str) -> Passage:
        return Passage(document, 0, len(self._texts[document]))

    def plain(self, passage: Passage) -> str:
        if passage not in self._plain:
            self._plain[passage] = plain(self._texts[passage.document][passage.start : passage.end])
        return self._plain[passage]

    def words(self, passage: Passage) -> set[str]:
        return loose_words(self._texts[passage.document][passage.start : passage.end])

    def chance(self, text: str, letters: int, source: str | None = None) -> float:
        """How likely a place of that length holds all words of `text` in one piece without being written for it.

        Learned from the pieces outside the source; where there are none, or no source is named, from all of them, of
        which one is taken for the one that was written for it.
        """
        holders = [set(self._holders.get(word, ())) for word in loose_words(text)]
        together = set.intersection(*holders) if holders else set(range(len(self._pieces)))
        outside = len(self._pieces) - (-(-len(self._texts[source]) // _PIECE) if source is not None else 0)
        if source is not None and outside:
            share = sum(self._pieces[piece][0] != source for piece in together) / outside
        else:
            share = max(0, len(together) - 1) / max(1, len(self._pieces))
        return 1.0 - math.pow(1 - share, letters / _PIECE)
