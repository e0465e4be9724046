"""Among versions of a document the newer passage on a matter comes first, unless the query asks for the older."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from rag.filters import Columns
from rag.schema import Chunk
from rag.versions import Superseded, find_superseded
from rag.words import tokenize

# Share of the shorter passage's words that the other must hold for the two to be on the same matter; less is asked
# under the same heading.
SAME_MATTER, SAME_MATTER_UNDER_ONE_HEADING = 0.4, 0.25

_OLDER_ASKED = re.compile(
    r"\b(?:previous(?:ly)?|former(?:ly)?|earlier|original(?:ly)?|initial(?:ly)?|superseded|outdated|obsolete|historical(?:ly)?"
    r"|used\s+to|no\s+longer|old\s+(?!age)(?=\w)|older\s+(?=version|rule|edition)|at\s+first|first\s+(?=version|edition)"
    r"|chang(?:e|es|ed|ing)|differ(?:s|ence|ences|ent)?|compar(?:e|ed|ison)|versus|vs|before\s+the\s+(?=change|update|revision|new)"
    r"|all\s+versions|history)\b"
    r"|旧版?|以前|从前|原来|原先|原版|此前|先前|之前的|上一版|初版|最初|历史|曾经|过去|不再|变化|变更|改动|修改前|修订前|更新前|区别|不同|差别|对比|比较",
    re.IGNORECASE,
)
_HOW_OLD = re.compile(r"\bhow\s+old\b|\byears?\s+old\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_VERSION = re.compile(
    r"\b(?:v|ver|version|rev|revision|edition)[\s._-]*(\d{1,3}(?:\.\d{1,3}){0,2})\b|第?\s*(\d{1,3}(?:\.\d{1,3}){0,2})\s*版",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """An older passage and the newer one that now stands before it."""

    older: int
    newer: int
    why: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The ranking in its new order, and what was moved or would have been."""

    ranking: list[tuple[int, float]]
    replaced: list[Replaced] = field(default_factory=list)
    note: str = ""


NearestOf = Callable[
    [int], Sequence[int]
]  # a document to the few of its passages that are nearest to the query
_KNOWN: WeakKeyDictionary[Any, dict[int, Superseded]] = WeakKeyDictionary()


def superseded_documents(columns: Columns) -> dict[int, Superseded]:
    """Computed once a generation."""
    found = _KNOWN.get(columns)
    if found is None:
        found = _KNOWN[columns] = find_superseded(columns.documents)
    return found


def settle_versions(
    query: str,
    ranking: list[tuple[int, float]],
    passages: Any,
    k: int,
    nearest_of: NearestOf,
) -> Settled:
    """Put before each passage of a superseded document, down to rank `k`, the newer passage on the same matter.

    The newer one takes the older one's score. A document without such a passage loses nothing.
    """
    superseded = superseded_documents(passages)
    if not superseded:
        return Settled(ranking)
    if match := _OLDER_ASKED.search(_HOW_OLD.sub(" ", query)):
        return Settled(ranking, note=f"the query asks for older versions ({match[0].strip()!r})")
    order, replaced, notes = list(ranking), [], []
    at, moved = 0, set()
    while at < min(k, len(order)):
        position, score = order[at]
        entry = superseded.get(int(passages.document_of[position]))
        if entry is None:
            at += 1
            continue
        if asked := _asked_for(query, entry):
            notes.append(asked)
        elif (newer := _newer(position, entry, order, passages, nearest_of)) is not None:
            before = any(newer == other for other, _ in order[:at])
            replaced.append(Replaced(older=position, newer=newer, why=_why(entry, passages, newer)))
            if not before and newer not in moved:
                moved.add(newer)
                order = [pair for pair in order if pair[0] != newer]
                order.insert(at, (newer, score))
                at += 1
        at += 1
    return Settled(order, replaced, "; ".join(dict.fromkeys(notes)))


def _asked_for(query: str, entry: Superseded) -> str:
    """Why the older document is what is asked for, "" when it is not."""
    for year in _YEAR.findall(query):
        newer_year = entry.newest.date[:4]
        only_older = year in entry.edition.years and year not in entry.newest.years
        if only_older or (newer_year and year < newer_year):
            return f"the query names {year}"
    for match in _VERSION.finditer(query):
        said = tuple(int(part) for part in (match[1] or match[2]).split("."))
        if entry.edition.version[: len(said)] == said:
            return f"the query names version {match[1] or match[2]}"
    return ""


def _newer(
    older: int, entry: Superseded, order: list[tuple[int, float]], passages: Any, nearest_of: NearestOf
) -> int | None:
    """The best ranked passage of the newest documents on the same matter, else the nearest of those not ranked."""
    old = passages[older]
    ranked = [position for position, _ in order if int(passages.document_of[position]) in entry.by]
    others = [position for number in entry.by for position in nearest_of(number)]
    for position in dict.fromkeys([*ranked, *others]):
        if same_matter(old, passages[position]):
            return position
    return None


def same_matter(left: Chunk, right: Chunk) -> bool:
    """Whether two passages share enough words, counted against the shorter."""
    one, other = _words(left.text), _words(right.text)
    shorter = min(len(one), len(other))
    if not shorter:
        return False
    share = len(one & other) / shorter
    under_one_heading = _last_heading(left) == _last_heading(right) != ""
    return share >= (SAME_MATTER_UNDER_ONE_HEADING if under_one_heading else SAME_MATTER)


@lru_cache(maxsize=512)  # the passages of few documents are compared again and again
def _words(text: str) -> frozenset[str]:
    return frozenset(tokenize(text))


def _last_heading(chunk: Chunk) -> str:
    """Without its number: sections move between versions."""
    return re.sub(r"^[\d.\s、]+", "", chunk.heading.rpartition(" > ")[2]).casefold().strip()


def _why(entry: Superseded, passages: Any, newer: int) -> str:
    source = passages.documents[int(passages.document_of[newer])].source
    edition, newest = entry.edition, entry.newest
    if entry.why == "version":
        said = f"version {_dotted(edition.version)} before {_dotted(newest.version)}"
    elif entry.why == "date":
        said = f"{edition.date} before {newest.date}"
    else:
        said = {"stage": "by the words of its name", "declaration": "as its metadata says"}[entry.why]
    return f"superseded by {source} ({said})"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
