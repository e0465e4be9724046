from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.batches import make_batches, physical_cores

LENGTHS = st.lists(st.integers(1, 60), max_size=80)


@given(LENGTHS, st.booleans())
def test_every_text_is_in_one_batch_and_no_batch_exceeds_the_budget(lengths: list[int], pads: bool) -> None:
    batches = make_batches(lengths, 100, pads=pads)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[place] for place in batch) <= 100 for batch in batches)


@given(LENGTHS)
def test_without_padding_a_batch_holds_texts_of_one_length(lengths: list[int]) -> None:
    for batch in make_batches(lengths, 100, pads=False):
        assert len({lengths[place] for place in batch}) == 1


def test_the_longest_text_comes_first_and_one_beyond_the_budget_stands_alone() -> None:
    assert make_batches([3, 500, 3, 90], 100, pads=True) == [[1], [3], [0, 2]]
    assert make_batches([], 100, pads=True) == []


def test_a_process_has_at_least_one_core() -> None:
    assert physical_cores() >= 1
