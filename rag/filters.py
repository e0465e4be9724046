"""Which passages a filter allows: fields of documents are compared once a document, pages once a passage."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rag.conditions import Among, Compare, Condition, Every, Not, Where, condition_of, fields_of

__all__ = ["Columns", "Where", "allowed_positions", "condition_of", "fields_of"]

Mask = NDArray[np.bool_]
_REMEMBERED = 32  # filters whose answer is kept: a conversation asks with the same one again and again


class Listed(Protocol):
    """What is compared of a document."""

    @property
    def source(self) -> str: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...


class Columns(Protocol):
    """What is known of the passages without reading their text (rag.passages.Passages)."""

    def __len__(self) -> int: ...

    @property
    def documents(self) -> Sequence[Listed]: ...

    @property
    def document_of(self) -> NDArray[np.int32]:
        """The document of each passage; ascending."""
        ...

    @property
    def page_of(self) -> NDArray[np.int32]:
        """The page of each passage, 0 for none."""
        ...


def allowed_positions(columns: Columns, where: Where | None) -> NDArray[np.int64] | None:
    """Positions of the passages that a filter allows, ascending; None when there is no filter.

    A field that a document lacks is unequal to every value and neither less nor greater than any. Dates compare to
    the precision of the coarser: date = 2025 is any day of 2025, date > 2025-03 begins in April. Where both are
    numbers, order is that of numbers; all other text compares letter by letter.
    """
    condition = condition_of(where)
    if condition is None:
        return None
    return _reader(columns).positions(condition)


class _Reader:
    """The filters of one generation: its fields as columns of distinct values, and the last answers."""

    def __init__(self, columns: Columns) -> None:
        self._document_of = columns.document_of
        self._page_of = columns.page_of
        self._documents = columns.documents
        self._fields: dict[str, tuple[list[str | None], NDArray[np.int64]]] = {}
        self._answers: dict[Condition, NDArray[np.int64]] = {}

    def positions(self, condition: Condition) -> NDArray[np.int64]:
        if (known := self._answers.get(condition)) is not None:
            return known
        mask, by_document = self._mask(condition)
        found = np.flatnonzero(mask[self._document_of] if by_document else mask)
        if len(self._answers) >= _REMEMBERED:
            self._answers.pop(next(iter(self._answers)), None)
        self._answers[condition] = found
        return found

    def _mask(self, condition: Condition) -> tuple[Mask, bool]:
        """Which documents (True) or, where pages are asked about, which passages (False) meet it."""
        if isinstance(condition, Compare | Among):
            if condition.field == "page":
                return _pages(condition, self._page_of), False
            return self._meeting(condition.field, _test(condition)), True
        if isinstance(condition, Not):
            mask, by_document = self._mask(condition.part)
            return ~mask, by_document
        masks = [self._mask(part) for part in condition.parts]
        join = np.logical_and if isinstance(condition, Every) else np.logical_or
        if all(by_document for _, by_document in masks):
            return join.reduce([mask for mask, _ in masks]), True
        return join.reduce([mask[self._document_of] if coarse else mask for mask, coarse in masks]), False

    def _meeting(self, field: str, test: Callable[[str | None], bool]) -> Mask:
        values, codes = self._column(field)
        return np.fromiter(map(test, values), dtype=np.bool_, count=len(values))[codes]

    def _column(self, field: str) -> tuple[list[str | None], NDArray[np.int64]]:
        """The distinct values of a field and, for each document, which of them it has."""
        if field not in self._fields:
            numbers: dict[str | None, int] = {}
            codes = [numbers.setdefault(_field(listed, field), len(numbers)) for listed in self._documents]
            self._fields[field] = (list(numbers), np.asarray(codes, dtype=np.int64))
        return self._fields[field]


_READERS: WeakKeyDictionary[Any, _Reader] = WeakKeyDictionary()


def _reader(columns: Columns) -> _Reader:
    """Kept as long as the generation that it reads."""
    found = _READERS.get(columns)
    if found is None:
        found = _READERS[columns] = _Reader(columns)
    return found


def _field(listed: Listed, field: str) -> str | None:
    if field == "source":
        return listed.source
    value = listed.metadata.get(field)
    return None if value is None else str(value)


_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _pages(condition: Compare | Among, pages: NDArray[np.int32]) -> Mask:
    if isinstance(condition, Among):
        among: Mask = np.isin(pages, [int(value) for value in condition.values if int(value) > 0])
        return among
    wanted, known = int(condition.value), pages > 0
    if condition.operator == "!=":
        other: Mask = ~known | (pages != wanted)
        return other
    mask: Mask = known & _COMPARED[condition.operator](pages, wanted)
    return mask


def _test(condition: Compare | Among) -> Callable[[str | None], bool]:
    """Whether a document's value, None for none, meets it."""
    if isinstance(condition, Among):
        return frozenset(condition.values).__contains__
    value, sign = condition.value, condition.operator
    if sign in ("~", "like"):
        matches = _pattern(value, like=sign == "like").match
        return lambda held: held is not None and matches(held) is not None
    if sign == "=":
        return lambda held: held is not None and _equal(held, value)
    if sign == "!=":
        return lambda held: held is None or not _equal(held, value)
    wanted: dict[str, tuple[int, ...]] = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}
    return lambda held: held is not None and _order(held, value) in wanted[sign]


def _pattern(text: str, *, like: bool) -> re.Pattern[str]:
    """As `fnmatch` translates it, which does not backtrack however many stars a pattern has."""
    if not like:
        return re.compile(fnmatch.translate(text))
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return re.compile(fnmatch.translate("".join(signs.get(sign, sign) for sign in text)), re.IGNORECASE)


_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")


def _equal(held: str, value: str) -> bool:
    return held == value or (_are_dates(held, value) and _order(held, value) == 0)


def _order(held: str, value: str) -> int:
    """-1, 0, 1 as `held` comes before, with or after `value`."""
    if _are_dates(held, value):
        shorter = min(len(held), len(value))
        return _sign(held[:shorter], value[:shorter])
    if _NUMBER.fullmatch(held) and _NUMBER.fullmatch(value):
        return _sign(float(held), float(value))
    return _sign(held, value)


def _are_dates(held: str, value: str) -> bool:
    """Two years alone are numbers like any other, and compare alike."""
    return _DATE.fullmatch(held) is not None and _DATE.fullmatch(value) is not None


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)
