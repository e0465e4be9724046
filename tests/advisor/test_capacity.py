"""Capacity: FAISS's formulas against real indexes, the orders of magnitude, and numbers that make no sense."""

import math

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.capacity import (
    ORDERS,
    capacity_table,
    disk_bytes,
    fact,
    factory,
    index_bytes,
    index_kind,
    keyword_bytes,
    plan_capacity,
    query_nodes,
)
from advisor.catalog import find_card, read_facts

VECTORS, DIM = 2000, 64


@pytest.fixture(scope="module")
def vectors():
    faiss.omp_set_num_threads(1)
    return np.random.default_rng(0).standard_normal((VECTORS, DIM)).astype("float32")


def _size(index):
    return len(faiss.serialize_index(index))


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_an_index_takes_what_the_formula_says(vectors, kind):
    index = faiss.index_factory(DIM, factory(VECTORS, DIM, kind))
    index.add(vectors)
    assert _size(index) == pytest.approx(index_bytes(VECTORS, DIM, kind), rel=0.02)


def test_a_compressed_index_takes_what_the_formula_says(vectors):
    """Codebooks and centres are set and not trained: their size is the same, and training takes minutes."""
    name = factory(VECTORS, DIM, "ivf_pq")
    assert name == "OPQ16_64,IVF358,PQ16"
    index = faiss.index_factory(DIM, name)
    rotation = faiss.downcast_VectorTransform(index.chain.at(0))
    faiss.copy_array_to_vector(np.eye(DIM, dtype="float32").ravel(), rotation.A)
    rotation.is_trained = rotation.is_orthonormal = True
    lists = faiss.downcast_index(index.index)
    lists.quantizer.add(vectors[:358])
    faiss.copy_array_to_vector(np.tile(vectors[:256].ravel(), 1), lists.pq.centroids)
    lists.is_trained = index.is_trained = True
    index.add(vectors)
    assert _size(index) == pytest.approx(index_bytes(VECTORS, DIM, "ivf_pq"), rel=0.03)


def test_each_order_of_magnitude_gets_the_index_that_faiss_advises():
    kinds = [plan.kind for plan in capacity_table()]
    assert kinds == ["flat", "flat", "hnsw", "hnsw", "ivf_pq", "ivf_pq_sharded"]
    assert factory(10**8, 384, "ivf_pq") == "OPQ64_256,IVF262144_HNSW32,PQ64"
    assert "Milvus Distributed" in capacity_table()[-1].store


def test_a_hundred_million_vectors_on_paper():
    """64 bytes of code and 8 of number each; 262144 lists of 16 bytes, their centres of 256 numbers in a graph."""
    graph = 256 * 4 + 32 * 8 + 16
    expected = 10**8 * 72 + 262_144 * (16 + graph) + 256 * 256 * 4 + 384 * 256 * 4
    assert index_bytes(10**8, 384, "ivf_pq") == expected
    plan = plan_capacity(10**8)
    assert plan.vectors_gib == pytest.approx(10**8 * 384 * 4 / 2**30)
    assert plan.index_gib < plan.vectors_gib / 20


def test_a_smaller_machine_compresses_earlier():
    assert index_kind(10**7, 384, ram_gib=64) == "hnsw"
    assert index_kind(10**7, 384, ram_gib=8) == "ivf_pq"


def test_query_nodes_are_grouped_as_the_sizing_tool_groups_them():
    assert [query_nodes(gib) for gib in (3, 15, 40, 100, 400, 5000)] == [
        (1, 4), (1, 16), (3, 16), (4, 32), (7, 64), (40, 128),
    ]  # fmt: skip


def test_cards_for_a_day_follow_from_the_hours():
    plan = plan_capacity(10**9, card=find_card("T4"))
    fast, usual, slow = plan.cards_for_a_day
    assert usual == math.ceil(plan.embed_card.hours / 24)
    assert 1 <= fast <= usual <= slow
    assert plan_capacity(10**9).cards_for_a_day is None


def test_what_is_advised_is_said_with_its_limits():
    small, large = plan_capacity(10**4), plan_capacity(10**9)
    assert any("exact" in caveat for caveat in small.caveats)
    assert any("86%" in caveat for caveat in large.caveats)
    assert all("not promised" in plan.caveats[-1] for plan in (small, large))
    assert any("FAISS" in source for source in large.sources)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(chunks=st.integers(1, 10**9), more=st.integers(0, 10**9), dim=st.sampled_from([64, 384, 1024, 4096]))
def test_more_chunks_never_take_less(chunks, more, dim):
    one, other = plan_capacity(chunks, dim), plan_capacity(chunks + more, dim)
    assert other.disk_gib >= one.disk_gib * 0.999 or other.kind != one.kind
    assert other.keyword_gib >= one.keyword_gib
    assert other.embed_cpu.hours >= one.embed_cpu.hours
    assert list(dict.fromkeys([one.kind, other.kind])) in _in_order(one.kind, other.kind)


def _in_order(*kinds):
    order = ["flat", "hnsw", "ivf_pq", "ivf_pq_sharded"]
    return [sorted(set(kinds), key=order.index)]


@pytest.mark.parametrize(
    "wrong, named",
    [({"chunks": 0}, "0 chunks"), ({"chunks": 10**13}, "chunks are no corpus"), ({"chunks": 10, "dim": 0}, "0 dim"),
     ({"chunks": 10, "chunk_tokens": -5}, "-5 tokens"), ({"chunks": 10, "ram_gib": float("nan")}, "nan GiB")],
)  # fmt: skip
def test_numbers_that_no_corpus_has_are_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        plan_capacity(**wrong)


def test_every_fact_has_a_source_and_a_date():
    for row in read_facts("capacity"):
        assert row["source"] and row["date"] and row["claim"] and float(row["value"]) > 0, row["key"]


def test_a_small_corpus_on_disk_is_what_an_index_of_this_project_takes():
    """296 chunks of examples/finance: 0.93 MB of catalogue, 0.45 of vectors, 0.34 of keywords, 0.14 of passages."""
    assert disk_bytes(296, 384, 106, "flat") == pytest.approx(925_696 + 454_656 + 337_560 + 143_752, rel=0.15)
    assert keyword_bytes(296, 106) == pytest.approx(337_560, rel=0.15) and fact("posting") == 11
    assert len(ORDERS) == 6
