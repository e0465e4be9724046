from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import beir
import pytest
from fakes import HashEmbedder

from rag import RagConfig
from rag.mteb_adapter import PipelineSearch, document_of, question_of

CORPUS = [
    {"id": "refund", "title": "Refunds", "text": "Money is returned within fourteen days of a complaint."},
    {"id": "travel", "title": "Travel", "text": "Hotels are booked by the office; trains are second class."},
    {"id": "leave", "title": "", "text": "Parental leave lasts twelve weeks. " * 40},
    {"id": "年报", "title": "", "text": "公司营业收入为十二亿元，同比增长百分之八。"},
]
QUERIES = [
    {"id": "q1", "text": "within how many days is money returned?"},
    {"id": "q2", "text": "parental leave"},
    {"id": "q3", "text": "营业收入是多少"},
]


def asked(search: PipelineSearch, top_k: int = 2, **more: Any) -> dict[str, dict[str, float]]:
    return search.search(
        QUERIES, task_metadata=None, hf_split="test", hf_subset="default", top_k=top_k, encode_kwargs={},
        num_proc=None, **more,
    )  # fmt: skip


def indexed(corpus: list[dict[str, str]], **settings: Any) -> PipelineSearch:
    search = PipelineSearch(RagConfig(chunk_tokens=30, overlap_tokens=5), embedder=HashEmbedder(), **settings)
    search.index(
        corpus, task_metadata="tiny", hf_split="test", hf_subset="default", encode_kwargs={}, num_proc=None
    )
    return search


def test_each_query_gets_the_documents_that_bear_on_it_best_first() -> None:
    found = asked(indexed(CORPUS))
    assert [next(iter(found[key])) for key in ("q1", "q2", "q3")] == ["refund", "leave", "年报"]
    assert all(sorted(scores.values(), reverse=True) == list(scores.values()) for scores in found.values())


def test_the_chunks_of_a_long_document_count_once_and_leave_room_for_others() -> None:
    found = asked(indexed(CORPUS), top_k=4)
    assert set(found["q2"]) == {"refund", "travel", "leave", "年报"}


def test_only_the_given_documents_are_ranked_for_a_reranking_task() -> None:
    ranked = {"q1": ["travel", "leave"], "q2": ["travel"], "q3": []}
    found = asked(indexed(CORPUS), top_ranked=ranked)
    assert {key: set(scores) for key, scores in found.items()} == {
        "q1": {"travel", "leave"}, "q2": {"travel"}, "q3": set(),
    }  # fmt: skip


def test_a_second_run_into_a_kept_folder_embeds_nothing(tmp_path: Path) -> None:
    indexed(CORPUS, folder=tmp_path)
    again = PipelineSearch(
        RagConfig(chunk_tokens=30, overlap_tokens=5), embedder=HashEmbedder(), folder=tmp_path
    )
    again.index(CORPUS, task_metadata="tiny", hf_split="test", hf_subset="default")
    assert again._embedder.embedded == []  # type: ignore[attr-defined]
    assert next(iter(asked(again)["q1"])) == "refund"


def test_searching_before_indexing_says_what_to_call() -> None:
    with pytest.raises(ValueError, match=r"call index\(corpus"):
        asked(PipelineSearch(embedder=HashEmbedder()))


def test_rows_of_the_protocol_become_documents_and_questions() -> None:
    assert document_of({"_id": 7, "title": "A", "text": "b"}).text == "A\n\nb"
    assert question_of({"text": [{"role": "user", "content": "When?"}, "Now?"]}) == "When?\nNow?"
    assert question_of({"text": "When?", "instruction": "Dates only."}) == "When? Dates only."
    with pytest.raises(ValueError, match="'x' of the corpus has no text"):
        document_of({"id": "x", "image": b""})


def test_a_folder_in_the_layout_of_beir_is_scored(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES)):
        lines = [json.dumps({**row, "_id": row["id"]}, ensure_ascii=False) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    judged = ["query-id\tcorpus-id\tscore", "q1\trefund\t1", "q2\tleave\t2", "q3\ttravel\t1", "q3\trefund\t0"]
    (tmp_path / "qrels" / "test.tsv").write_text("\n".join(judged), encoding="utf-8")
    score = beir.score_beir(tmp_path, embedder=HashEmbedder())
    assert (score.documents, score.queries, score.recall100) == (4, 3, 1.0)
    assert 2 / 3 < score.ndcg10 < 1  # q3's gold is another than what bears on it


def test_gain_counts_relevance_by_rank() -> None:
    assert beir.ndcg(["a", "b"], {"b": 1}, 10) == pytest.approx(0.6309, abs=1e-4)
    assert beir.ndcg(["b", "a"], {"a": 2, "b": 1}, 10) < beir.ndcg(["a", "b"], {"a": 2, "b": 1}, 10) == 1
    assert beir.recall(["a", "b"], {"b": 1, "c": 1}, 2) == 0.5


@pytest.mark.skipif(importlib.util.find_spec("mteb") is None, reason="mteb is not installed")
def test_mteb_itself_takes_the_adapter_and_scores_a_task() -> None:
    import mteb
    from mteb.mocks.mock_tasks import MockRetrievalTask
    from mteb.models import SearchProtocol

    search = PipelineSearch(embedder=HashEmbedder())
    assert isinstance(search, SearchProtocol)
    found = mteb.evaluate(search, MockRetrievalTask(), cache=None)
    assert found.model_name == "llm-adaptation-advisor/rag-hash-chunks180-30"
    assert 0.5 < found.task_results[0].get_score() <= 1
