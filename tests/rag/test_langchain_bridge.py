from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import HashEmbedder

pytest.importorskip("langchain_core", reason="langchain-core is not installed")
pytest.importorskip("langchain_tests", reason="langchain-tests is not installed")

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import RetrieversIntegrationTests, VectorStoreIntegrationTests

from rag import Document as Source
from rag import build_index
from rag.langchain_bridge import RagEmbeddings, RagRetriever, RagVectorStore

TEXTS = [
    "A refund is paid within fourteen days.",
    "Hotels are booked by the office.",
    "The daily allowance is sixty euros.",
    "公司的营业收入为十二亿元。",
]


class TestVectorStoreConforms(VectorStoreIntegrationTests):
    @pytest.fixture(params=[True, False], ids=["hybrid", "vectors"])
    def vectorstore(self, request: pytest.FixtureRequest) -> Iterator[RagVectorStore]:
        yield RagVectorStore(self.get_embeddings(), hybrid=request.param)


class TestVectorStoreInAFolderConforms(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> RagVectorStore:
        return RagVectorStore(self.get_embeddings(), tmp_path / "store")


class TestRetrieverConforms(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _indexed(self, docs: Path, tmp_path: Path) -> None:
        self.index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())

    @property
    def retriever_constructor(self) -> type[RagRetriever]:
        return RagRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index}

    @property
    def retriever_query_example(self) -> str:
        return "When is a refund paid?"


class TwoFaced(Embeddings):
    """Embeds questions and documents otherwise, as models with prefixes do, and notes which it was asked for."""

    def __init__(self) -> None:
        self.hashed = RagEmbeddings(HashEmbedder())
        self.questions: list[str] = []
        self.documents: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents += texts
        return self.hashed.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        self.questions.append(text)
        return self.hashed.embed_query(text)


def words() -> RagEmbeddings:
    return RagEmbeddings(HashEmbedder())


@pytest.mark.parametrize("hybrid", [True, False])
def test_a_question_finds_its_text_in_either_language(hybrid: bool) -> None:
    store = RagVectorStore.from_texts(TEXTS, words(), ids=["a", "b", "c", "d"], hybrid=hybrid)
    assert store.similarity_search("when is a refund paid", k=1)[0].id == "a"
    assert store.similarity_search("营业收入", k=1)[0].id == "d"
    scores = [score for _, score in store.similarity_search_with_score("daily allowance", k=4)]
    assert len(scores) == 4 and scores == sorted(scores, reverse=True)


def test_a_folder_keeps_its_documents_and_embeds_none_again(tmp_path: Path) -> None:
    RagVectorStore.from_texts(TEXTS, TwoFaced(), ids=["a", "b", "c", "d"], folder=tmp_path / "store")
    embedding = TwoFaced()
    opened = RagVectorStore(embedding, tmp_path / "store")
    opened.add_texts([TEXTS[0], "Parking is free."], ids=["a", "e"])
    assert embedding.documents == ["Parking is free."]
    assert {document.id for document in opened.similarity_search("refund", k=9)} == set("abcde")


def test_a_question_is_embedded_as_a_question(tmp_path: Path) -> None:
    for hybrid in (True, False):
        embedding = TwoFaced()
        store = RagVectorStore.from_texts(TEXTS, embedding, hybrid=hybrid)
        embedding.documents.clear()
        store.similarity_search("daily allowance")
        store.max_marginal_relevance_search("daily allowance")
        assert set(embedding.questions) == {"dimension", "daily allowance"} and not embedding.documents


def test_metadata_comes_back_as_it_was_given() -> None:
    given = {"n": 3, "share": 0.5, "final": True, "none": None, "tags": ["a", "b"], "where": {"page": 7}}
    store = RagVectorStore.from_documents([Document(page_content="Refunds", metadata=given, id="x")], words())
    assert store.get_by_ids(["x"])[0].metadata == given
    assert store.similarity_search("refunds")[0].metadata == given


def test_metadata_that_cannot_be_stored_is_named() -> None:
    store = RagVectorStore(words())
    with pytest.raises(ValueError, match="Metadata of document 'x' cannot be stored as JSON"):
        store.add_texts(["a"], [{"when": object()}], ids=["x"])
    with pytest.raises(ValueError, match="1 ids were given for 2 texts"):
        store.add_texts(["a", "b"], ids=["x"])
    assert store.similarity_search("a") == []


@pytest.mark.parametrize("hybrid", [True, False])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"source": "b.pdf"}, {"1", "3"}),
        ({"source": ["a.pdf", "b.pdf"], "page": 3}, {"3"}),
        ({"page": 99}, set()),
        ({"final": True}, {"0", "2"}),
        ("source = b.pdf and page < 3", {"1"}),
        ("not (source = a.pdf or page > 2)", {"1"}),
    ],
)
def test_filters_hold_before_the_search(hybrid: bool, condition: Any, expected: set[str]) -> None:
    store = RagVectorStore(words(), hybrid=hybrid)
    metadatas = [
        {"source": "ab"[number % 2] + ".pdf", "page": number, "final": number % 2 == 0} for number in range(4)
    ]
    store.add_texts(TEXTS, metadatas, ids=["0", "1", "2", "3"])
    assert {found.id for found in store.similarity_search("office", k=4, filter=condition)} == expected
    assert {found.id for found in store.max_marginal_relevance_search("office", filter=condition)} == expected


def test_a_long_document_is_searched_by_its_parts_and_comes_back_whole() -> None:
    long = "\n\n".join(f"Paragraph {number} speaks of topic{number}." for number in range(80))
    store = RagVectorStore(TwoFaced(), max_tokens=40)
    store.add_texts([long, *TEXTS], ids=["long", "a", "b", "c", "d"])
    assert len(store.index) > 10
    found = store.similarity_search("topic70", k=3)
    assert found[0].page_content == long and len({document.id for document in found}) == 3


def test_diverse_results_leave_out_the_near_copy() -> None:
    copies = ["the refund is paid", "the refund is paid now", "the hotel refund"]
    store = RagVectorStore.from_texts(copies, words(), ids=["a", "b", "c"])
    near = store.max_marginal_relevance_search("the refund is paid", k=2, lambda_mult=1.0)
    diverse = store.max_marginal_relevance_search("the refund is paid", k=2, lambda_mult=0.2)
    assert [document.id for document in near] == ["a", "b"]
    assert [document.id for document in diverse] == ["a", "c"]


def test_the_last_document_and_all_documents_can_be_deleted() -> None:
    store = RagVectorStore.from_texts(TEXTS, words(), ids=["a", "b", "c", "d"])
    assert store.delete(["d", "unknown"]) and len(store.similarity_search("refund", k=9)) == 3
    assert store.delete() and store.similarity_search("refund") == [] and store.get_by_ids(["a"]) == []
    store.add_texts(["Parking is free."], ids=["p"])
    assert store.delete(["p"]) and store.similarity_search("parking") == []
    assert store.add_texts([]) == []


def test_threads_that_add_at_once_lose_nothing() -> None:
    store = RagVectorStore(words())

    async def add_all() -> None:
        await asyncio.gather(*(store.aadd_texts([f"text {n}"], ids=[str(n)]) for n in range(8)))

    asyncio.run(add_all())
    assert len(store.get_by_ids([str(number) for number in range(8)])) == 8


def test_another_embedding_is_refused(tmp_path: Path) -> None:
    RagVectorStore.from_texts(TEXTS, TwoFaced(), folder=tmp_path / "store", embedding_id="model-a")
    with pytest.raises(ValueError, match="'model-a'"):
        RagVectorStore(TwoFaced(), tmp_path / "store", embedding_id="model-b")


def test_as_retriever_takes_langchains_ways_to_search() -> None:
    store = RagVectorStore.from_texts(TEXTS, words(), ids=["a", "b", "c", "d"])
    for kind, settings in (
        ("similarity", {"k": 1}),
        ("mmr", {"k": 1, "fetch_k": 3}),
        ("similarity_score_threshold", {"k": 1, "score_threshold": 0.1}),
    ):
        found = store.as_retriever(search_type=kind, search_kwargs=settings).invoke("a refund is paid")
        assert [document.id for document in found] == ["a"]
    vector = words().embed_query("hotels booked")
    assert store.similarity_search_by_vector(vector, k=1)[0].id == "b"


def test_the_retriever_tells_the_place_and_the_scores(tmp_path: Path) -> None:
    documents = [
        Source(text="Hotels are booked by the office.", source="travel.txt", metadata={"team": "desk"}),
        Source(text="A refund is paid within fourteen days.", source="refunds.txt"),
    ]
    index = build_index(documents, tmp_path / "index", embedder=HashEmbedder())
    found = RagRetriever(index=index, filter={"team": "desk"}).invoke("refund")
    assert [document.page_content for document in found] == ["Hotels are booked by the office."]
    best = RagRetriever(index=index, k=1).invoke("who books hotels")[0]
    place = {name: best.metadata[name] for name in ("source", "page", "start", "end", "heading", "team")}
    assert place == {
        "source": "travel.txt", "page": None, "start": 0, "end": 32, "heading": "", "team": "desk",
    }  # fmt: skip
    assert best.metadata["score"] > 0 and best.metadata["dense_score"] > 0
