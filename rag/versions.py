"""Which documents are versions of one another, told from names, titles and dates; no text is read.

Two documents belong together when their names (or titles) are the same but for a version, a date or a word such as
"draft" or 修订版. Instalments are not versions: the annual report of 2024 does not replace that of 2023.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol


class Listed(Protocol):
    @property
    def source(self) -> str: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a document says of its own version."""

    version: tuple[int, ...] = ()  # 2.1 is (2, 1)
    stage: int = 0  # -1 for a draft, 1 for a revision
    date: str = ""  # ISO, perhaps only the year
    years: frozenset[str] = frozenset()  # in its name and title


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """An older document, the newest ones of its family, and by what it is older, in words."""

    by: tuple[int, ...]
    why: str
    edition: Edition
    newest: Edition


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VERSION = re.compile(
    r"(?<![a-z])(?:v|ver|version|rev|revision|edition)[\s._-]*(\d{1,3}(?:[._]\d{1,3}){0,2})(?!\w)"
    r"|第?\s*(\d{1,3}(?:\.\d{1,3}){0,2}|[一二三四五六七八九十])\s*版"
)
_DATE = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d{2})(?:[-_./年\s]*(?P<m>0?[1-9]|1[0-2])(?:[-_./月\s]*(?P<d>0?[1-9]|[12]\d|3[01])(?!\d)日?"
    r"|(?!\d)月?)|(?!\d)年?度?)"
)
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_OLDER = _words(
    "draft initial original old former archive archived obsolete superseded outdated preliminary previous "
    "withdrawn"
)
_NEWER = _words("update updated revised amended amendment new newest latest current final corrected")
_LANGUAGES = _words("zh en cn de fr es ja")
# What comes out again and again; each stands beside the others.
_INSTALMENT = _words(
    "report reports result results statement statements minutes newsletter newsletters news memo memos invoice "
    "invoices figures bulletin bulletins letter letters call calls transcript transcripts log logs diary weekly "
    "monthly quarterly annual yearly half halfyear h1 h2 q1 q2 q3 q4 meeting meetings budget survey earnings "
    "dividend accounts balance payroll receipt receipts order orders ticket tickets chapter part lesson day week"
)
_HAN_OLDER = re.compile(r"初版|初稿|草案|草稿|旧版?|原版|征求意见稿|试行版?|作废|已废止|归档")
_HAN_NEWER = re.compile(r"修订版?|修正版?|更新版?|最新版?|新版|定稿|终稿|正式版?")
_HAN_LANGUAGE = re.compile(r"中文版?|英文版?")
_HAN_INSTALMENT = re.compile(
    r"报告|年报|季报|月报|周报|纪要|新闻|简报|公告|会议|发票|账单|财报|季度|备忘录|日志|通讯"
)
_NAMES_NOTHING = _words("untitled document index readme contents home title overview introduction notes")
_MOST_OF_A_TITLE = 12  # documents; a title that more of them share is a site's name, not a document's
_HAN_NUMBERS = "一二三四五六七八九十"


def find_superseded(documents: Sequence[Listed]) -> dict[int, Superseded]:
    """For each document that a newer version replaces: which. One pass over names and titles.

    Metadata "supersedes" names sources or titles, separated by semicolons, and counts before all else.
    """
    found = _declared(documents)
    for family in _families(documents):
        editions = {number: edition_of(documents[number]) for number in family}
        for number, entry in _within(editions).items():
            found.setdefault(number, entry)
    return found


def _declared(documents: Sequence[Listed]) -> dict[int, Superseded]:
    saying = [number for number, listed in enumerate(documents) if "supersedes" in listed.metadata]
    if not saying:
        return {}
    names = {listed.metadata.get("title", ""): number for number, listed in enumerate(documents)}
    names |= {listed.source: number for number, listed in enumerate(documents)}
    found: dict[int, Superseded] = {}
    for newer in saying:
        for name in documents[newer].metadata["supersedes"].split(";"):
            older = names.get(name.strip(), newer)
            if older != newer:
                found[older] = Superseded(
                    by=(newer,), why="declaration", edition=edition_of(documents[older]),
                    newest=edition_of(documents[newer]),
                )  # fmt: skip
    return found


def edition_of(listed: Listed) -> Edition:
    """From the name and the title; the date of the metadata counts before that of the name."""
    title = listed.metadata.get("title", "").casefold()
    name = _without_suffix(listed.source.casefold())
    both = f"{name} {title}"
    words = set(_WORD.findall(both))
    dates = list(_DATE.finditer(both))
    newer, older = words & _NEWER or _HAN_NEWER.search(both), words & _OLDER or _HAN_OLDER.search(both)
    return Edition(
        version=_version(name) or _version(title),
        stage=bool(newer) - bool(older),
        date=listed.metadata.get("date", "") or (_iso(dates[0]) if dates else ""),
        years=frozenset(match["y"] for match in dates),
    )


def _families(documents: Sequence[Listed]) -> Iterable[list[int]]:
    """Documents of one skeleton of name, then of title."""
    names: defaultdict[str, list[int]] = defaultdict(list)
    titles: defaultdict[str, list[int]] = defaultdict(list)
    for number, listed in enumerate(documents):
        source, title = listed.source.casefold(), listed.metadata.get("title", "").casefold()
        folder, _, name = _without_suffix(source).rpartition("/")
        if key := _skeleton(name):
            names[f"{_plain(folder)}/{key}"].append(number)
        if title and title != name and (key := _skeleton(title)):
            titles[key].append(number)
    yield from (family for family in names.values() if len(family) > 1)
    yield from (family for family in titles.values() if 1 < len(family) <= _MOST_OF_A_TITLE)


def _skeleton(text: str) -> str:
    """The words that all versions share; "" for instalments and for what names nothing. `text` is in small letters."""
    words = _unmarked(text)
    if not _INSTALMENT.isdisjoint(words):
        return ""
    found = " ".join(word for word in words if word not in _MARKS)
    if _HAN.search(found) and _HAN_INSTALMENT.search(found):
        return ""
    return "" if found in _NAMES_NOTHING or len(found) < 3 or found.replace(" ", "").isdigit() else found


@lru_cache(maxsize=4096)  # many documents lie in one folder
def _plain(folder: str) -> str:
    return " ".join(word for word in _unmarked(folder) if word not in _MARKS)


def _unmarked(text: str) -> list[str]:
    """The words without versions and dates, and Chinese ones without what tells versions apart."""
    if _STAMPED.search(text):
        text = _DATE.sub(" ", _VERSION.sub(" ", text))
    if _HAN.search(text):
        for mark in (_HAN_OLDER, _HAN_NEWER, _HAN_LANGUAGE):
            text = mark.sub(" ", text)
    return _WORD.findall(text)


_STAMPED = re.compile(r"版|(?:19|20)\d\d|(?:v|ver|rev|sion|tion)[\s._-]*\d")
_MARKS = _OLDER | _NEWER | _LANGUAGES


def _within(editions: Mapping[int, Edition]) -> dict[int, Superseded]:
    """Ordered by version where all have one, else by date where all have one, else by stage."""
    for why, key in (
        ("version", lambda edition: edition.version),
        ("date", lambda edition: edition.date),
        ("stage", lambda edition: (edition.stage,)),
    ):
        keys = {number: key(edition) for number, edition in editions.items()}
        if all(keys.values()) and len(set(keys.values())) > 1:
            return _older(editions, keys, why)
    return {}


def _older(editions: Mapping[int, Edition], keys: Mapping[int, object], why: str) -> dict[int, Superseded]:
    best = max(keys.values())  # type: ignore[type-var]
    newest = tuple(number for number, key in keys.items() if key == best)
    return {
        number: Superseded(by=newest, why=why, edition=editions[number], newest=editions[newest[0]])
        for number, key in keys.items()
        if key != best
    }


def _without_suffix(source: str) -> str:
    stem, dot, suffix = source.rpartition(".")
    return stem if dot and suffix.isalnum() and not suffix.isdigit() and len(suffix) <= 5 else source


def _version(text: str) -> tuple[int, ...]:
    match = _VERSION.search(text)
    if match is None:
        return ()
    said = match[1] or match[2]
    if said in _HAN_NUMBERS:
        return (_HAN_NUMBERS.index(said) + 1,)
    numbers = tuple(int(part) for part in re.split(r"[._]", said))
    return numbers if numbers[0] < 1900 else ()


def _iso(match: re.Match[str]) -> str:
    parts = [match["y"], *(f"{int(part):02d}" for part in (match["m"], match["d"]) if part)]
    return "-".join(parts)
