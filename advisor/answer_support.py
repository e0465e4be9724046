"""The share of answers that stand in the documents: evidence that retrieval can find them, or that it cannot.

Long answers are looked for everywhere, word for word or by most of their telling words within one passage. Short ones
stand in any text by chance, so they are looked for only where the question or a named source points to, those that
stand all over the documents count for nothing, and what chance would have yielded is subtracted.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from .passages import Passages
from .plain_words import loose_words, plain, stands_in, words

_MOST_ROWS = 200  # a share of them is known to within 7 points; more would take longer than they tell
_PLACES = 3  # passages tried for one answer
_BESIDE = 400  # characters on either side of a piece to which a question points
_BEGINNING = 500  # characters of a long answer
_LONG = 6  # words from which an answer does not stand in a text by chance
_RECALL = 0.7  # of the weight of a long answer's words, within one passage
_LEAST_READ = 0.2  # of the documents, for a sample that tells where answers stand
_CHANCE = 0.25  # an answer that stands so likely in an unrelated place tells nothing


class Asked(NamedTuple):
    """One row: what is asked, what is answered, and, where the row names them, the supporting quote and its file."""

    question: str
    answer: str
    quote: str = ""
    source: str = ""


def answers_in_documents(
    rows: Sequence[Asked], documents: Mapping[str, str], read_share: float = 1.0
) -> tuple[float | None, int]:
    """The share beyond chance, None where nothing could be checked, and how many rows it rests on.

    A row that names its source counts only where that source was read. Of rows that name none, as many are found as
    documents were read: where `read_share` of a sample was, the share is that much higher.
    """
    names = {name.rsplit("/", 1)[-1]: name for name in sorted(documents, reverse=True)}
    known = {row for row in rows if row.answer.strip() and _can_be_checked(row, names, read_share)}
    chosen = sorted(known, key=lambda row: (zlib.crc32("\n".join(row).encode("utf-8", "replace")), row))
    chosen = chosen[:_MOST_ROWS]
    passages = Passages(documents, {word for row in chosen for word in loose_words("\n".join(row[:3]))})
    found, checked, possible = 0.0, 0, 0.0
    for row in chosen:
        source = names[_file(row.source)] if row.source else None
        chance, stands = _look_up(row, source, passages)
        if chance <= _CHANCE:
            checked += 1
            found += (stands - chance) / (1.0 if source else read_share)
            possible += 1 - chance
    return (round(min(max(found / possible, 0.0), 1.0), 3) if checked else None), checked


def _can_be_checked(row: Asked, names: Collection[str], read_share: float) -> bool:
    return _file(row.source) in names if row.source else read_share >= _LEAST_READ


def _look_up(row: Asked, source: str | None, passages: Passages) -> tuple[float, bool]:
    """How likely the answer stands where it is looked for by chance, and whether it does."""
    if row.quote and _holds_words(row.quote, source, passages):
        return 0.0, True
    if len(words(row.answer)) >= _LONG:
        return 0.0, _holds_words(row.answer, source, passages)
    if source is None:
        places = passages.best(row.question, _PLACES, _BESIDE)
        letters = _PLACES * 3 * _BESIDE
    else:
        places = [passages.whole(source)]
        letters = places[0].end
    needle = plain(row.answer)
    return passages.chance(row.answer, letters, source), any(
        stands_in(needle, passages.plain(place)) for place in places
    )


def _holds_words(text: str, source: str | None, passages: Passages) -> bool:
    """Whether a passage holds most of the weight of the words; of a long text its beginning stands for it."""
    text = text[:_BEGINNING]
    wanted = loose_words(text)
    total = sum(map(passages.weight, wanted))
    for place in passages.best(text, _PLACES, max(len(text), _BESIDE), source):
        if sum(map(passages.weight, wanted & passages.words(place))) >= _RECALL * total:
            return True
    return False


def _file(source: str) -> str:
    return source.rsplit("/", 1)[-1]
