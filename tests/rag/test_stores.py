from __future__ import annotations

import numpy as np
import pytest

from rag.stores import STORES, Vectors, open_store


@pytest.fixture
def vectors() -> Vectors:
    found = np.random.default_rng(7).standard_normal((200, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("name", STORES)
def test_every_store_finds_what_the_reference_finds(name: str, vectors: Vectors) -> None:
    reference, store = open_store("exact", 16), open_store(name, 16)
    for each in (reference, store):
        each.add(vectors[:120])
        each.add(vectors[120:])
    expected, found = reference.search(vectors[3], 10), store.search(vectors[3], 10)
    assert [position for position, _ in found] == [position for position, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


@pytest.mark.parametrize("name", STORES)
def test_a_filter_restricts_before_ranking(name: str, vectors: Vectors) -> None:
    store = open_store(name, 16)
    store.add(vectors)
    found = store.search(vectors[3], 10, np.asarray([5, 90, 199]))
    assert {position for position, _ in found} == {5, 90, 199}
    assert store.search(vectors[3], 10, np.asarray([], dtype=np.int64)) == []


@pytest.mark.parametrize("name", STORES)
def test_bytes_bring_a_store_back(name: str, vectors: Vectors) -> None:
    store, again = open_store(name, 16), open_store(name, 16)
    store.add(vectors)
    again.load(store.to_bytes())
    assert len(again) == 200
    assert again.search(vectors[9], 5) == store.search(vectors[9], 5)
    with pytest.raises(ValueError, match="16"):
        open_store(name, 8).load(store.to_bytes())


def test_an_unknown_store_names_the_choices() -> None:
    with pytest.raises(ValueError, match=r"Unknown vector store 'foo'; choose one of \['exact', 'faiss'\]\."):
        open_store("foo", 4)
