"""Thumbs over HTTP: on an answer of this service, on one that it has forgotten, and on none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from apps.assistant import Answer, Assistant
from apps.chat_api import ChatRequest
from apps.feedback import read_feedback
from apps.feedback_api import RecentAnswers
from apps.service import create_app


class Echo:
    """A generator that says the question again."""

    name, adapter = "echo", "build/a"

    def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
        yield f"You ask: {question}"


MESSAGES = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "How long?"},
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite3"


@pytest.fixture
def client(store: Path) -> TestClient:
    return TestClient(
        create_app(Assistant(Echo()), feedback=store, api_key="key"), headers={"Authorization": "Bearer key"}
    )


def test_a_thumb_on_a_whole_and_on_a_streamed_answer_keeps_all_that_was_said(
    client: TestClient, store: Path
) -> None:
    whole = client.post("/v1/chat/completions", json={"messages": MESSAGES}).json()["id"]
    streamed = client.post("/v1/chat/completions", json={"messages": MESSAGES, "stream": True}).text
    second = streamed.split('"id": "')[1].split('"')[0]
    for reply, thumb in ((whole, "up"), (second, "down")):
        said = client.post("/v1/feedback", json={"id": reply, "thumb": thumb, "correction": " Sixty. "})
        assert (said.status_code, said.json()) == (200, {"object": "feedback", "id": reply, "thumb": thumb})
    first, last = read_feedback(store)
    assert (first.answer_id, first.thumb, last.answer_id, last.thumb) == (whole, "up", second, "down")
    assert (first.question, first.answer, first.correction) == ("How long?", "You ask: How long?", "Sixty.")
    assert list(first.history) == MESSAGES[:2] and (first.generator, first.adapter) == ("echo", "build/a")


def test_an_answer_that_is_forgotten_needs_its_words(client: TestClient, store: Path) -> None:
    body: dict[str, Any] = {"id": "chatcmpl-of-yesterday", "thumb": "down"}
    refused = client.post("/v1/feedback", json=body)
    assert (
        refused.status_code == 404
        and "send its `question` and `answer`" in refused.json()["error"]["message"]
    )
    body |= {"question": "How long?", "answer": "Sixty.", "history": MESSAGES[:2]}
    assert client.post("/v1/feedback", json=body).status_code == 200
    [row] = read_feedback(store)
    assert (row.answer_id, row.answer, list(row.history)) == (body["id"], "Sixty.", MESSAGES[:2])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{nonsense", "invalid_json"),
        ("[]", "invalid_json"),
        ('{"id": "x"}', "invalid_thumb"),
        ('{"id": "x", "thumb": "sideways"}', "invalid_thumb"),
        ('{"thumb": "up"}', "invalid_id"),
        ('{"id": 7, "thumb": "up"}', "invalid_id"),
        ('{"id": "x", "thumb": "up", "correction": []}', "invalid_correction"),
    ],
)
def test_what_is_no_thumb_is_explained_in_openais_shape(
    body: str, code: str, client: TestClient, store: Path
) -> None:
    said = client.post("/v1/feedback", content=body, headers={"Content-Type": "application/json"})
    assert (said.status_code, said.json()["error"]["code"]) == (400, code)
    assert read_feedback(store) == []


def test_a_page_of_another_origin_and_a_wrong_key_keep_nothing(client: TestClient, store: Path) -> None:
    body = '{"id": "x", "thumb": "up", "question": "q", "answer": "a"}'
    assert (
        client.post("/v1/feedback", content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    )
    assert (
        client.post("/v1/feedback", content=body, headers={"Authorization": "Bearer no"}).status_code == 401
    )
    assert read_feedback(store) == []


def test_a_store_that_cannot_be_written_is_told_without_its_place(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("no folder")
    client = TestClient(create_app(Assistant(Echo()), feedback=tmp_path / "secret" / "f.sqlite3"))
    said = client.post("/v1/feedback", json={"id": "x", "thumb": "up", "question": "q", "answer": "a"})
    assert (said.status_code, said.json()["error"]["code"]) == (500, "not_kept") and "secret" not in said.text


def test_a_service_without_a_store_says_so() -> None:
    said = TestClient(create_app(Assistant(Echo()))).post("/v1/feedback", json={"id": "x", "thumb": "up"})
    assert (said.status_code, said.json()["error"]["code"]) == (404, "no_feedback")


def test_the_oldest_answers_are_forgotten_first() -> None:
    recent = RecentAnswers(most=2)
    for reply in ("a", "b", "c"):
        recent.keep(reply, ChatRequest(question=reply), Answer(text=reply))
    assert recent.get("a") is None and recent.get("c") is not None
