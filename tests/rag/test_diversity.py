from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.diversity import choose_diverse

VECTORS = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)


def test_a_twin_gives_way_to_another_matter() -> None:
    assert choose_diverse([1.0, 0.9, 0.5], VECTORS, 2, 0.0)[0] == [0, 1]
    assert choose_diverse([1.0, 0.9, 0.5], VECTORS, 2, 0.6)[0] == [0, 2]


@given(scores=st.lists(st.floats(-5, 5), max_size=3), k=st.integers(0, 5), diversity=st.floats(0, 1))
def test_each_item_is_taken_once(scores: list[float], k: int, diversity: float) -> None:
    taken, likeness = choose_diverse(scores, VECTORS[: len(scores)], k, diversity)
    assert len(set(taken)) == len(taken) == min(k, len(scores))
    assert len(likeness) == len(scores)


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        choose_diverse([1.0], VECTORS[:1], 1, 1.5)
