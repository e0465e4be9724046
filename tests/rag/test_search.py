"""One search on small documents: record and hits, exact scores, filters, versions, diversity, neighbours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HashEmbedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag import Document, Index, RagConfig, build_index

OLD = (
    "# Leave rules\n\n## Annual leave\n\nEvery employee has twenty days of annual leave. Unused days lapse.\n"
)
NEW = "# Leave rules\n\n## Annual leave\n\nEvery employee takes twenty-five days of annual leave. Unused days lapse.\n"
DOCUMENTS = [
    Document(text=OLD, source="leave-rules-v1-2021.md", metadata={"date": "2021-05-01"}),
    Document(text=NEW, source="leave-rules-v2-2024.md", metadata={"date": "2024-05-01"}),
    Document(text="The canteen opens at noon.", source="canteen.md", metadata={"team": "desk"}),
    Document(
        text="The canteen opens at noon. Bring a card.", source="canteen-note.md", metadata={"team": "lab"}
    ),
    Document(text=" ".join(f"Step {n} of the safety drill is short." for n in range(40)), source="drill.md"),
]
QUERY = "how many days of annual leave has every employee"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    config = RagConfig(chunk_tokens=24, overlap_tokens=0, store="exact")
    return build_index(
        DOCUMENTS, tmp_path_factory.mktemp("search") / "index", config, embedder=HashEmbedder()
    )


def with_config(index: Index, **values: object) -> Index:
    return Index(index.path, index._view, index.embedder, replace(index.config, **values), index.report)


def test_the_record_holds_the_same_hits_as_the_search(index: Index) -> None:
    trace = index.trace(QUERY, k=3)
    assert list(trace.hits) == index.search(QUERY, k=3)
    assert {leg.name for leg in trace.legs} == {"dense", "keyword"}
    for leg in trace.legs:
        ranks = {ranked.place.position: ranked.rank for ranked in leg.hits}
        shown = trace.hits[0].dense_rank if leg.name == "dense" else trace.hits[0].keyword_rank
        assert shown == ranks.get(trace.fused.ranking[0].place.position) or trace.moved
    found = {ranked.place.position for leg in trace.legs for ranked in leg.hits}
    assert {ranked.place.position for ranked in trace.fused.ranking} == found
    assert len(trace.dropped) + len(trace.hits) == len(found)
    assert json.loads(json.dumps(trace.as_dict()))["hits"][0]["rank"] == 1
    assert "leave-rules-v2-2024.md" in trace.render()


def test_a_leg_that_missed_a_hit_gives_its_exact_score(index: Index) -> None:
    narrow = with_config(index, candidates=1, recency=False)
    hits = narrow.search("canteen card drill", k=1) + narrow.search("canteen card drill", k=4)
    vector = index.embedder.embed(["canteen card drill"])[0]
    for hit in hits:
        own = index.embedder.embed([hit.chunk.text])[0]
        assert hit.dense_score == pytest.approx(float(own @ vector), abs=1e-5)
        assert hit.keyword_score is not None


def test_a_leg_that_was_not_used_says_why(tmp_path: Path) -> None:
    embedder = HashEmbedder(reads_chinese=False)
    index = build_index(
        [Document(text="门诊八点开门。", source="a.md")], tmp_path / "index", embedder=embedder
    )
    trace = index.trace("门诊几点开门")
    dense = next(leg for leg in trace.legs if leg.name == "dense")
    assert (dense.used, dense.hits) == (False, ())
    assert dense.reason
    assert "not used" in trace.render()
    assert trace.hits[0].dense_score is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from(
        [
            None,
            "team = desk",
            "team != desk",
            "source ~ '*-note.md'",
            "date < 2022 or team = lab",
            {"source": "drill.md"},
        ]
    ),
    k=st.integers(1, 12),
    query=st.sampled_from(["canteen noon", "zebra", "safety drill step 7"]),
)
def test_k_hits_come_back_whenever_k_passages_match(index: Index, where: object, k: int, query: str) -> None:
    trace = with_config(index, candidates=1).trace(query, k=k, where=where)  # type: ignore[arg-type]
    assert len(trace.hits) == min(k, trace.matching) or where is None
    assert len({(hit.chunk.source, hit.chunk.start) for hit in trace.hits}) == len(trace.hits)


def test_the_newer_version_stands_before_the_older_on_the_same_matter(index: Index) -> None:
    plain = [hit.chunk.source for hit in with_config(index, recency=False).search(QUERY, k=2)]
    assert plain == ["leave-rules-v1-2021.md", "leave-rules-v2-2024.md"]
    trace = index.trace(QUERY, k=2)
    assert [hit.chunk.source for hit in trace.hits] == plain[::-1]
    assert trace.moved[0].why == "superseded by leave-rules-v2-2024.md (version 1 before 2)"


@pytest.mark.parametrize("asked", ["in 2021", "in version 1", "previously", "under the old rules"])
def test_a_query_for_the_older_version_gets_it(index: Index, asked: str) -> None:
    trace = index.trace(f"{QUERY} {asked}", k=2)
    assert trace.hits[0].chunk.source == "leave-rules-v1-2021.md"
    assert trace.recency
    assert trace.moved == ()


def test_diversity_passes_over_what_says_the_same(index: Index) -> None:
    plain = with_config(index, recency=False).search("the canteen opens at noon", k=2)
    assert {hit.chunk.source for hit in plain} == {"canteen.md", "canteen-note.md"}
    trace = with_config(index, diversity=0.9, recency=False).trace("the canteen opens at noon", k=2)
    assert {hit.chunk.source for hit in trace.hits} != {"canteen.md", "canteen-note.md"}
    assert any("near-duplicate" in dropped.why or "passed over" in dropped.why for dropped in trace.dropped)


@pytest.mark.parametrize("neighbours", [1, 2, 50])
def test_neighbours_are_joined_and_the_span_stays_exact(index: Index, neighbours: int) -> None:
    wide = with_config(index, neighbours=neighbours)
    hits = wide.search("step 17 of the safety drill", k=3)
    text = index.document("drill.md").text
    for hit in hits:
        document = index.document(hit.chunk.source).text
        assert document[hit.chunk.start : hit.chunk.end] == hit.chunk.text
    best = hits[0].chunk
    assert best.source == "drill.md"
    narrow = index.search("step 17 of the safety drill", k=1)[0].chunk
    assert hits[0].found == (narrow.start, narrow.end)
    assert best.start < narrow.start and (neighbours < 50 or (best.start, best.end) == (0, len(text)))
    spans = sorted((hit.chunk.source, hit.chunk.start, hit.chunk.end) for hit in hits)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in zip(spans, spans[1:], strict=False))


def test_a_query_of_nothing_finds_nothing(index: Index) -> None:
    assert index.trace("  ").hits == index.trace("x", k=0).hits == ()
    assert index.trace("x", where="source = none").matching == 0
    with pytest.raises(ValueError, match="wrong at character 7"):
        index.search("x", where="source ")
