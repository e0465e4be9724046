"""One suite for every store: same answers as the reference, filters before ranking, damage met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.stores import STORES, Home, Vectors, VectorStore, build_store, load_store

DIMENSION = 16


def unit_vectors(count: int, seed: int = 7) -> Vectors:
    found = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


@pytest.fixture(params=STORES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "milvus":
        pytest.importorskip("pymilvus", reason="pymilvus is not installed")
        pytest.importorskip(
            "milvus_lite", reason="milvus-lite is not installed (it has no wheel for Windows)"
        )
    return str(request.param)


def made(name: str, vectors: Vectors, folder: Path) -> VectorStore:
    folder.mkdir(parents=True, exist_ok=True)
    build_store(name, vectors, Home(folder=folder))
    return load_store(name, vectors, Home(folder=folder))


def test_every_store_finds_what_the_reference_finds(name: str, tmp_path: Path) -> None:
    vectors = unit_vectors(200)
    reference, store = made("exact", vectors, tmp_path / "exact"), made(name, vectors, tmp_path / name)
    assert len(store) == 200
    for query in unit_vectors(5, seed=8):
        expected, found = reference.search(query, 10), store.search(query, 10)
        assert [position for position, _ in found] == [position for position, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_a_filter_restricts_before_ranking(name: str, tmp_path: Path) -> None:
    store, vectors = made(name, unit_vectors(200), tmp_path / name), unit_vectors(200)
    found = store.search(vectors[3], 10, np.asarray([199, 5, 90]))
    scores = vectors[[5, 90, 199]] @ vectors[3]
    assert [position for position, _ in found] == [(5, 90, 199)[place] for place in np.argsort(-scores)]
    most = np.arange(1, 200)
    assert 0 not in {position for position, _ in store.search(vectors[0], 199, most)}
    assert store.search(vectors[3], 10, np.asarray([], dtype=np.int64)) == []


def test_vectors_come_back_as_they_were_given(name: str, tmp_path: Path) -> None:
    vectors = unit_vectors(50)
    found = made(name, vectors, tmp_path / name).vectors(np.asarray([49, 0, 7]))
    assert found.dtype == np.float32 and np.array_equal(found, vectors[[49, 0, 7]])


def test_more_hits_than_vectors_give_all_of_them_and_none_gives_none(name: str, tmp_path: Path) -> None:
    store = made(name, unit_vectors(5), tmp_path / name)
    query = unit_vectors(1, seed=9)[0]
    assert {position for position, _ in store.search(query, 100)} == set(range(5))
    assert {position for position, _ in store.search(query, 100, np.asarray([1, 2]))} == {1, 2}
    assert store.search(query, 0) == []


def test_an_empty_store_finds_nothing(name: str, tmp_path: Path) -> None:
    store = made(name, np.zeros((0, DIMENSION), dtype=np.float32), tmp_path / name)
    assert len(store) == 0
    assert store.search(unit_vectors(1)[0], 5) == []


def test_a_query_of_another_dimension_is_refused(name: str, tmp_path: Path) -> None:
    store = made(name, unit_vectors(20), tmp_path / name)
    with pytest.raises(ValueError, match="has 8 dimensions, the index 16"):
        store.search(np.ones(8, dtype=np.float32), 3)


def test_a_store_that_is_loaded_again_answers_alike(name: str, tmp_path: Path) -> None:
    vectors = unit_vectors(100)
    store = made(name, vectors, tmp_path / name)
    again = load_store(name, vectors, Home(folder=tmp_path / name))
    assert again.search(vectors[9], 5) == store.search(vectors[9], 5)


def test_a_store_that_does_not_fit_its_vectors_is_refused(name: str, tmp_path: Path) -> None:
    made(name, unit_vectors(100), tmp_path / name)
    if not any((tmp_path / name).iterdir()):
        pytest.skip("nothing is kept beside the vectors at this size")
    with pytest.raises(ValueError, match="100"):
        load_store(name, unit_vectors(99), Home(folder=tmp_path / name))


def test_damaged_files_of_a_store_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    build_store(name, unit_vectors(100), Home(folder=tmp_path / name))
    files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
    if not files:
        pytest.skip("nothing is kept beside the vectors at this size")
    for path in files:
        path.write_bytes(b"damaged")
    (tmp_path / name).rename(tmp_path / "moved")  # Milvus Lite remembers what it had open, by its path
    with pytest.raises((ValueError, OSError)):
        load_store(name, unit_vectors(100), Home(folder=tmp_path / "moved"))


@pytest.mark.parametrize("kind", ["graph", "cells"])
def test_each_kind_of_faiss_index_finds_nearly_all_and_keeps_to_the_filter(kind: str, tmp_path: Path) -> None:
    faiss_store = pytest.importorskip("rag.stores.faiss", reason="faiss is not installed")
    vectors = unit_vectors(30_000) + 3 * np.repeat(unit_vectors(300, seed=2), 100, axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    make = faiss_store.make_graph if kind == "graph" else faiss_store.make_cells
    store, exact = faiss_store.FaissStore(vectors, make(vectors)), faiss_store.FaissStore(vectors)
    allowed = np.arange(1, 30_000, 3)[:9_000]
    many = np.flatnonzero(np.arange(30_000) % 10)  # too many to be compared one by one
    for chosen in (None, allowed, many):
        found = kept = 0
        for query in vectors[7:20_000:1_000]:
            hits = [position for position, _ in store.search(query, 10, chosen)]
            kept += len(hits) if chosen is None else int(np.isin(hits, chosen).sum())
            found += len({position for position, _ in exact.search(query, 10, chosen)} & set(hits))
        assert kept == 200 and found >= 190


def test_training_of_an_earlier_generation_is_kept_while_it_fits(tmp_path: Path) -> None:
    faiss_store = pytest.importorskip("rag.stores.faiss", reason="faiss is not installed")
    first = faiss_store.make_cells(unit_vectors(3_000))
    path = tmp_path / "ivfpq.faiss"
    path.write_bytes(faiss_store.faiss.serialize_index(first).tobytes())
    again = faiss_store.make_cells(unit_vectors(3_300, seed=3), path)
    assert (again.nlist, again.ntotal) == (first.nlist, 3_300)
    assert faiss_store.make_cells(unit_vectors(500, seed=3), path).nlist < first.nlist / 2
    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="is damaged"):
        faiss_store.make_cells(unit_vectors(3_000), path)


def test_codes_that_are_moved_are_those_of_adding_all_again(tmp_path: Path) -> None:
    faiss_store = pytest.importorskip("rag.stores.faiss")
    old, path = unit_vectors(3_000), tmp_path / "cells"
    path.write_bytes(faiss_store.faiss.serialize_index(faiss_store.make_cells(old)).tobytes())
    kept = np.flatnonzero(np.arange(len(old)) % 50 > 1)
    # Every fiftieth row is a new one, and the last rows are gone.
    rows = np.insert(old[kept], np.arange(0, 2_000, 49), unit_vectors(41, seed=9), axis=0)
    moved = np.full(len(old), -1, dtype=np.int32)
    moved[kept] = np.setdiff1d(np.arange(len(rows)), np.arange(0, 2_000, 49) + np.arange(41))
    joined, anew = (faiss_store.make_cells(rows, path, given) for given in (moved, None))
    assert joined.ntotal == anew.ntotal == len(rows)
    assert np.array_equal(*(faiss_store.faiss.serialize_index(index) for index in (joined, anew)))


def test_an_unknown_store_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Unknown vector store 'foo'; choose one of \['exact', 'faiss'"):
        build_store("foo", unit_vectors(3), Home(folder=tmp_path))
