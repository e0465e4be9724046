from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.runs import Runs, interleave, starts_of

OLD = st.integers(0, 6)


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], list[int], list[int]]:
    """Old rows, the numbers of those to leave out, and before which old row each added one goes."""
    old = [f"old{number}" for number in range(draw(OLD))]
    gone = draw(st.sets(st.integers(0, max(len(old) - 1, 0)))) if old else set()
    return old, sorted(gone), sorted(draw(st.lists(st.integers(0, len(old)), max_size=4)))


def expected(old: list[str], gone: list[int], places: list[int]) -> list[str]:
    found = []
    for number in range(len(old) + 1):
        found += [f"new{news}" for news, place in enumerate(places) if place == number]
        found += old[number : number + 1] if number not in gone else []
    return found


def runs_of(old: list[str], gone: list[int], places: list[int]) -> Runs:
    return interleave(len(old), np.array(gone, dtype=np.int64), np.array(places, dtype=np.int64))


@given(edits())
def test_rows_of_both_tables_stand_in_their_new_order(edit: tuple[list[str], list[int], list[int]]) -> None:
    old, gone, places = edit
    news = [f"new{number}" for number in range(len(places))]
    runs = runs_of(*edit)
    joined = runs.join(np.array(old, dtype="U9"), np.array(news, dtype="U9"))
    assert joined.tolist() == expected(*edit)
    for rows, added in ((old, False), (news, True)):
        moved = runs.moved(len(rows), added=added)
        assert [joined[new] for new in moved if new >= 0] == [r for r in rows if r in joined.tolist()]


@given(edits())
def test_what_belongs_to_a_row_goes_with_it(edit: tuple[list[str], list[int], list[int]]) -> None:
    old, _, places = edit
    news = [f"new{number}" for number in range(len(places))]
    texts = [[row * (len(row) + at) for at, row in enumerate(rows)] for rows in (old, news)]
    letters = [np.frombuffer("".join(part).encode(), dtype=np.uint8) for part in texts]
    starts = [starts_of(np.cumsum([len(text) for text in part])) for part in texts]
    joined = runs_of(*edit).through(*starts).join(*letters)
    known = dict(zip([*old, *news], [*texts[0], *texts[1]], strict=True))
    assert joined.tobytes().decode() == "".join(known[row] for row in expected(*edit))
