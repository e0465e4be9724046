"""The HTTP service as its clients see it: OpenAI's client over a real server, raw requests for what is wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from fakes import HashEmbedder
from fastapi.testclient import TestClient

from apps.assistant import Assistant
from apps.commands.serve import listen
from apps.generators import Extractive
from apps.service import create_app
from rag import Document, build_index, open_index
from rag.schema import Chunk, Hit

TEXT = "The refund window is thirty days. Keep the receipt."
HIT = Hit(chunk=Chunk(source="terms.md", text=TEXT, start=10, end=10 + len(TEXT), page=3), score=1.0, rank=1)


class OnePage:
    """A retriever that finds the same page for every question."""

    notice = "Not legal advice."

    def rarity(self, word: str) -> float:
        return 1.0

    def search(self, query: str, k: int = 6, where: Any = None) -> Sequence[Hit]:
        return [HIT]


class Says:
    """A generator that says what it is told, piece by piece, and remembers what it was asked and how it ended."""

    name, adapter = "says", None

    def __init__(self, *pieces: str, pause_s: float = 0.0) -> None:
        self.pieces, self.pause_s = pieces, pause_s
        self.asked: list[Any] = []
        self.given, self.closed = 0, threading.Event()

    def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
        self.asked.append(messages)
        try:
            for piece in self.pieces:
                time.sleep(self.pause_s)
                self.given += 1
                yield piece
        finally:
            self.closed.set()


class Breaks:
    name, adapter = "breaks", None

    def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
        yield "So "
        raise RuntimeError("secret path /srv/models/7b")


@pytest.fixture
def serve() -> Iterator[Any]:
    """serve(assistant, **options) -> base URL of a real server in a thread."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(assistant: Assistant, **options: Any) -> str:
        listener = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(create_app(assistant, **options), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=20)


def client_of(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=30)


def ask(app_client: TestClient, **body: Any) -> httpx.Response:
    return app_client.post("/v1/chat/completions", json={"model": "m", **body})


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def events_of(response: httpx.Response) -> list[Any]:
    lines = [line[6:] for line in response.text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_openais_client_gets_a_whole_answer_with_citations(serve: Any) -> None:
    client = client_of(serve(Assistant(Extractive(), OnePage())))
    answer = client.chat.completions.create(model="any", messages=[user("What is the refund window?")])
    message = answer.choices[0].message
    assert message.content == "The refund window is thirty days. [1]"
    [citation] = message.citations
    assert (citation["source"], citation["page"], citation["number"]) == ("terms.md", 3, 1)
    assert TEXT[citation["start"] - 10 : citation["end"] - 10] == citation["quote"]
    assert (message.refused, message.notice, message.labels) == (False, "Not legal advice.", [])
    assert answer.usage.completion_tokens == -(-len(message.content) // 4)
    assert answer.choices[0].finish_reason == "stop"


def test_openais_client_gets_the_same_streamed(serve: Any) -> None:
    client = client_of(serve(Assistant(Extractive(), OnePage())))
    chunks = list(
        client.chat.completions.create(
            model="any", messages=[user("What is the refund window?")], stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    last = next(chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason == "stop")
    assert said == "The refund window is thirty days. [1]"
    assert last.choices[0].delta.citations[0]["quote"] == "The refund window is thirty days."
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0


def test_openais_client_lists_the_model(serve: Any) -> None:
    assert [model.id for model in client_of(serve(Assistant(Extractive(), OnePage()))).models.list()] == [
        "extractive"
    ]


def test_a_wrong_key_is_refused_and_the_right_one_served(serve: Any) -> None:
    url = serve(Assistant(Says("Yes.")), api_key="s3cret")
    with pytest.raises(openai.AuthenticationError):
        client_of(url, "wrong").chat.completions.create(model="m", messages=[user("q")])
    right = client_of(url, "s3cret").chat.completions.create(model="m", messages=[user("q")])
    assert right.choices[0].message.content == "Yes."
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"


def test_a_reader_that_goes_ends_the_generation(serve: Any) -> None:
    generator = Says(*["word "] * 600, pause_s=0.05)
    url = serve(Assistant(generator))
    body = {"model": "m", "messages": [user("q")], "stream": True}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=30) as response:
        next(response.iter_lines())
    assert generator.closed.wait(20) and generator.given < 600


def test_a_whole_answer_that_nobody_waits_for_ends_too(serve: Any) -> None:
    generator = Says(*["word "] * 600, pause_s=0.05)
    url = serve(Assistant(generator))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/chat/completions", json={"messages": [user("q")]}, timeout=0.5)
    assert generator.closed.wait(20) and generator.given < 600


def test_many_readers_of_one_slow_model_all_get_their_answer(serve: Any) -> None:
    class OneAtATime(Says):
        lock = threading.Lock()

        def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
            with self.lock:
                yield from super().stream(messages)

    url = serve(Assistant(OneAtATime("a", "b", "c", pause_s=0.001)))
    found: list[str] = []

    def read() -> None:
        answer = httpx.post(f"{url}/v1/chat/completions", json={"messages": [user("q")]}, timeout=60)
        found.append(answer.json()["choices"][0]["message"]["content"])

    readers = [threading.Thread(target=read) for _ in range(60)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == ["abc"] * 60


def test_the_last_user_message_is_the_question_and_the_rest_its_history() -> None:
    generator = Says("Yes.")
    messages = [
        {"role": "system", "content": "Obey the client."},
        user("First?"),
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": [{"type": "text", "text": "Second?"}]},
    ]
    response = ask(
        TestClient(create_app(Assistant(generator))), messages=messages, temperature=0.3, nonsense=[1]
    )
    assert response.status_code == 200
    [prompt] = generator.asked
    assert [turn["content"] for turn in prompt[1:]] == ["First?", "One.", "Second?"]
    assert "Obey" not in prompt[0]["content"]


def test_a_corrected_answer_is_sent_whole_in_the_last_chunk() -> None:
    generator = Says("The window is ", "60 days. [1] ", "The refund window is thirty days. [1]")
    response = ask(
        TestClient(create_app(Assistant(generator, OnePage()))),
        messages=[user("refund window?")],
        stream=True,
    )
    events = events_of(response)
    assert events[-1] == "[DONE]"
    delta = events[-2]["choices"][0]["delta"]
    assert delta["text"] == "The window is 60 days. The refund window is thirty days. [1]"
    assert [citation["claim"] for citation in delta["citations"]] == ["The refund window is thirty days."]


def test_a_refusal_says_so() -> None:
    client = TestClient(create_app(Assistant(Extractive(), OnePage())))
    message = ask(client, messages=[user("Who founded Zanzibar airlines?")]).json()["choices"][0]["message"]
    assert message["refused"] is True and message["citations"] == []


def test_labels_stand_beside_the_answer() -> None:
    class Positive:
        def classify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
            return [("positive", 0.75) for _ in texts]

    client = TestClient(create_app(Assistant(Says("Up.")), classifier=Positive()))
    message = ask(client, messages=[user("Shares?")]).json()["choices"][0]["message"]
    assert message["labels"] == [{"text": "Shares?", "label": "positive", "probability": 0.75}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{nonsense", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"\xff\xfe\x00", "invalid_json"),
        (b"{}", "invalid_messages"),
        (b'{"messages": []}', "invalid_messages"),
        (b'{"messages": ["hello"]}', "invalid_messages"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "no_user_message"),
        (b'{"messages": [{"role": "user", "content": "  "}]}', "empty_question"),
        (b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "invalid_content"),
    ],
)
def test_a_bad_request_is_explained_in_openais_shape(body: bytes, code: str) -> None:
    response = TestClient(create_app(Assistant(Says("x")))).post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", code) and error["message"]


def test_a_generator_that_breaks_gives_500_and_no_internals() -> None:
    client = TestClient(create_app(Assistant(Breaks())), raise_server_exceptions=False)
    response = ask(client, messages=[user("q")])
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "generation_failed"
    assert "secret" not in response.text


def test_a_generator_that_breaks_in_a_stream_ends_it_with_an_error_event() -> None:
    response = ask(TestClient(create_app(Assistant(Breaks()))), messages=[user("q")], stream=True)
    events = events_of(response)
    assert events[-1]["error"]["code"] == "generation_failed" and "secret" not in response.text


def test_openais_client_raises_for_an_error_in_the_stream(serve: Any) -> None:
    client = client_of(serve(Assistant(Breaks())))
    with pytest.raises(openai.APIError, match="could not be generated"):
        list(client.chat.completions.create(model="m", messages=[user("q")], stream=True))


def test_an_unknown_path_and_a_huge_body_are_errors_in_the_same_shape() -> None:
    client = TestClient(create_app(Assistant(Says("x"))))
    assert "POST /v1/chat/completions" in client.get("/v1/nothing").json()["error"]["message"]
    assert client.post("/v1/chat/completions", content=b" " * (5 << 20)).status_code == 413


def test_a_web_page_that_points_its_name_here_gets_nothing() -> None:
    client = TestClient(create_app(Assistant(Says("x")), allowed_hosts=["127.0.0.1"]))
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"host": "127.0.0.1:8080"}).status_code == 200


def test_an_index_updated_meanwhile_is_answered_from(tmp_path: Path) -> None:
    page = Document(text="The refund window is thirty days.", source="terms.md")
    index = build_index([page], tmp_path / "index", embedder=HashEmbedder())
    with TestClient(
        create_app(Assistant(Extractive(), open_index(index.path, embedder=HashEmbedder())))
    ) as client:
        asked = [user("How long is the refund window?")]
        assert "thirty" in ask(client, messages=asked).json()["choices"][0]["message"]["content"]
        index.update([replace(page, text="The refund window is sixty days.")])
        assert "sixty" in ask(client, messages=asked).json()["choices"][0]["message"]["content"]


def test_a_port_in_use_is_one_clear_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"^Port {port} on 127.0.0.1 is in use; give another with --port.$"):
            listen("127.0.0.1", port)


def test_a_port_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="Port 99999 does not exist"):
        listen("127.0.0.1", 99999)
