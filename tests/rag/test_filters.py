"""Filters against a plain evaluation, passage by passage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.filters import allowed_positions


@dataclass(frozen=True)
class Listed:
    source: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Table:
    """Passages as (document, page)."""

    documents: list[Listed]
    rows: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def document_of(self) -> Any:
        return np.array([row[0] for row in self.rows], dtype=np.int32)

    @property
    def page_of(self) -> Any:
        return np.array([row[1] for row in self.rows], dtype=np.int32)


TABLE = Table(
    [
        Listed("reports/a.pdf", {"date": "2024-12-31", "team": "desk", "size": "9"}),
        Listed("reports/b.pdf", {"date": "2025-03-31", "team": "lab", "size": "10"}),
        Listed("年报.md", {"date": "2025"}),
    ],
    [(0, 1), (0, 2), (1, 1), (1, 3), (2, 0)],
)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("source = reports/a.pdf", [0, 1]),
        ("source ~ 'reports/*'", [0, 1, 2, 3]),
        ("source ~ '年?.md'", [4]),
        ("team like 'DE%'", [0, 1]),
        ("page > 1", [1, 3]),
        ("page != 1", [1, 3, 4]),
        ("not page = 1", [1, 3, 4]),
        ("page in (2, 3) or team != lab", [0, 1, 3, 4]),
        ("team = desk and page = 1", [0]),
        ("team in (desk, lab)", [0, 1, 2, 3]),
        ("size > 9", [2, 3]),  # as numbers
        ("date = 2025", [2, 3, 4]),
        ("date > 2024", [2, 3, 4]),
        ("date <= 2024-12", [0, 1]),
        ("date >= 2025-03-31", [2, 3, 4]),  # a date of which only the year is known is not excluded
        ("nobody = x", []),
        ("nobody != x", [0, 1, 2, 3, 4]),
        ({"team": ["desk", "lab"], "page": [1, 3]}, [0, 2, 3]),
        ({"date": "2025"}, [4]),  # a mapping names values letter by letter
    ],
)
def test_a_filter_allows_what_it_says(where: Any, found: list[int]) -> None:
    positions = allowed_positions(TABLE, where)
    assert positions is not None
    assert positions.tolist() == found


def test_without_a_filter_nothing_is_held_back() -> None:
    assert (
        allowed_positions(TABLE, None) is allowed_positions(TABLE, {}) is allowed_positions(TABLE, "") is None
    )


def test_many_stars_take_no_time() -> None:
    table = Table([Listed("a" * 400 + "b")], [(0, 0)])
    found = allowed_positions(table, f"source ~ '{'a*' * 40}c'")
    assert found is not None
    assert found.tolist() == []


# An expression beside the same thing said in Python of one passage.
Said = tuple[str, Callable[[Listed, int], bool]]
VALUES = st.sampled_from(["a", "b", "2024", "2024-05", "2024-05-01", "7", "10"])


@st.composite
def comparisons(draw: st.DrawFn) -> Said:
    kind, value = draw(st.sampled_from(["source", "tag", "like", "glob", "page", "missing"])), draw(VALUES)
    number = draw(st.integers(0, 4))
    said: dict[str, Said] = {
        "source": (f"source = {value}", lambda listed, page: listed.source == value or (
            value[:4] == listed.source[:4] == "2024" and value.startswith(listed.source))),
        "tag": (f"tag != {value}", lambda listed, page: not (
            listed.metadata.get("tag") == value or (
                value[:4] == listed.metadata.get("tag", "")[:4] == "2024"
                and (value.startswith(listed.metadata["tag"]) or listed.metadata["tag"].startswith(value))))),
        "like": (f"tag like '%{value[-1]}'", lambda listed, page: listed.metadata.get("tag", "").endswith(value[-1])),
        "glob": (f"source ~ '*{value[0]}*'", lambda listed, page: fnmatchcase(listed.source, f"*{value[0]}*")),
        "page": (f"page >= {number}", lambda listed, page: page > 0 and page >= number),
        "missing": (f"none in ({value}, x)", lambda listed, page: False),
    }  # fmt: skip
    return said[kind]


def joined(parts: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    def both(pair: tuple[Said, Said]) -> Said:
        (left, a), (right, b) = pair
        return f"({left}) and ({right})", lambda listed, page: a(listed, page) and b(listed, page)

    def either(pair: tuple[Said, Said]) -> Said:
        (left, a), (right, b) = pair
        return f"({left} or {right})", lambda listed, page: a(listed, page) or b(listed, page)

    def negated(one: Said) -> Said:
        return f"not ({one[0]})", lambda listed, page: not one[1](listed, page)

    pairs = st.tuples(parts, parts)
    return pairs.map(both) | pairs.map(either) | parts.map(negated)


@given(
    said=st.recursive(comparisons(), joined, max_leaves=6),
    documents=st.lists(
        st.builds(
            Listed,
            source=st.sampled_from(["a", "b", "2024", "ab"]),
            metadata=st.just({}) | VALUES.map(lambda value: {"tag": value}),
        ),
        min_size=1,
        max_size=5,
    ),
    pages=st.lists(st.integers(0, 4), min_size=1, max_size=12),
)
def test_a_filter_agrees_with_a_plain_evaluation(
    said: Said, documents: list[Listed], pages: list[int]
) -> None:
    rows = sorted((number % len(documents), page) for number, page in enumerate(pages))
    expression, holds = said
    found = allowed_positions(Table(documents, rows), expression)
    assert found is not None
    assert found.tolist() == [at for at, (number, page) in enumerate(rows) if holds(documents[number], page)]
