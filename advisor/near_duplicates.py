"""Counts documents that say nearly what another one says, in time proportional to their number.

Each text is reduced to a set of stretches that start at chosen letters, wherever these stand, so that text which was
moved keeps its stretches. Documents are compared only with those that share several of their smallest stretches.
"""

from __future__ import annotations

import string
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

Sketch = tuple[int, ...]  # in order, each once

_ALIKE = 0.7  # Jaccard similarity of the stretches; three words in a hundred changed leave about this much
_SMALLEST = 8  # stretches by which documents find one another
_SHARED = 3  # of them; two documents that are alike share about 6, fewer than 3 once in a hundred
_FEWEST = 8  # stretches that tell documents apart; shorter texts are compared whole
_FORM_FROM = 4  # documents, and this share of all, in which a stretch stands that belongs to a form
_FORM_SHARE = 0.05
_FILLED_IN = 0.15  # share of own stretches from which a document is a filled-in form, not a copy of the form
_SHORTEST = 8  # bytes of a stretch; a syllable between two starts stands in any text
_CUT = itemgetter(slice(16))  # at most so many of its bytes: about three words, or five ideographs
# A stretch starts after a letter that is 2 to 3 % of the letters of European languages, or after a digit, which tables
# consist of; in Chinese after the comma and the commonest particle.
_STARTS = (b"m", b"1")
_WIDE_STARTS = ("，".encode(), "的".encode())
_LOWER = bytes(range(256)).lower()
_SPACES = string.whitespace.encode()


def sketch(utf8: bytes) -> Sketch:
    """The stretches of a text, case and spaces ignored; of one too short to have enough, its checksum."""
    text = utf8.translate(_LOWER, _SPACES)
    starts = _STARTS if text.isascii() else _STARTS + _WIDE_STARTS
    parts = [part for start in starts for part in text.split(start)[1:] if len(part) >= _SHORTEST]
    stretches = set(map(zlib.crc32, map(_CUT, parts)))
    return tuple(sorted(stretches)) if len(stretches) >= _FEWEST else (zlib.crc32(text),)


def count_near_duplicates(sketches: Sequence[Sketch]) -> int:
    """How many documents could go without loss: of each group that says nearly the same, all but one."""
    distinct = sorted(set(sketches))
    candidates = _candidates(distinct)
    form = _form(distinct) if candidates else set()
    group = list(range(len(distinct)))
    for one, other in candidates:
        if _top(group, one) != _top(group, other) and _alike(set(distinct[one]), set(distinct[other]), form):
            group[_top(group, one)] = _top(group, other)
    groups = len({_top(group, number) for number in range(len(distinct))})
    return len(sketches) - groups


def _candidates(sketches: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Neighbours, and the next but one, in the lists of documents that hold the same small stretch.

    A document has few small stretches, so the pairs grow with the number of documents, not with its square.
    """
    holders: dict[int, list[int]] = defaultdict(list)
    for number, item in enumerate(sketches):
        if len(item) >= _FEWEST:
            for stretch in item[:_SMALLEST]:
                holders[stretch].append(number)
    pairs: list[tuple[int, int]] = []
    for numbers in holders.values():
        if len(numbers) > 1:
            pairs += zip(numbers, numbers[1:], strict=False)
            pairs += zip(numbers, numbers[2:], strict=False)
    return sorted(pair for pair, count in Counter(pairs).items() if count >= _SHARED)


def _form(sketches: Sequence[Sketch]) -> set[int]:
    """Stretches that stand in so many documents that they belong to a form, a header or a notice."""
    common = Counter(chain.from_iterable(sketches))
    form_from = max(_FORM_FROM, _FORM_SHARE * len(sketches))
    return {stretch for stretch, count in common.items() if count > form_from}


def _alike(one: set[int], other: set[int], form: set[int]) -> bool:
    """Alike as a whole, and, where both hold much that is not part of a common form, alike in that too."""
    if len(one & other) < _ALIKE * len(one | other):
        return False
    own, others = one - form, other - form
    if len(own | others) < _FILLED_IN * len(one | other):
        return True
    return len(own & others) >= _ALIKE / 2 * len(own | others)


def _top(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = number = group[group[number]]
    return number
