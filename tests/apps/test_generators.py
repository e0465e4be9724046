import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from apps.generators import OpenAICompatible, make_generator


class ChatServer(BaseHTTPRequestHandler):
    """Speaks the streamed chat API of OpenAI; the model named 'broken' is not there."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "moved":
            self.send_response(307)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            return
        if body["model"] in ("busy", "garbled"):
            self.send_response(503 if body["model"] == "busy" else 200)
            self.end_headers()
            self.wfile.write(b"data: {not JSON\n\n")
            return
        if body["model"] == "broken":
            self.send_error(404, "no such model")
            return
        self.send_response(200)
        self.end_headers()
        said = ["Hello ", self.headers.get("Authorization", "nobody"), f" {len(body['messages'])}"]
        for piece in said:
            event = json.dumps({"choices": [{"delta": {"content": piece}}]})
            self.wfile.write(f"data: {event}\n\n".encode())
        self.wfile.write(b'data: {"choices": []}\n\ndata: [DONE]\n\n')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api_base() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), ChatServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_an_openai_compatible_server_is_streamed(api_base: str) -> None:
    generator = make_generator("m", api_base=api_base, api_key="secret")
    assert "".join(generator.stream([{"role": "user", "content": "Hi"}])) == "Hello Bearer secret 1"


def test_what_the_server_refuses_is_said_in_one_line(api_base: str) -> None:
    with pytest.raises(ValueError, match="answered 404"):
        list(OpenAICompatible(api_base, "broken").stream([]))


def test_a_busy_server_can_be_told_from_one_that_refuses(api_base: str) -> None:
    with pytest.raises(ConnectionError, match="answered 503"):
        list(OpenAICompatible(api_base, "busy").stream([]))


def test_a_server_that_speaks_otherwise_is_said_in_one_line(api_base: str) -> None:
    with pytest.raises(ValueError, match="no chat completion"):
        list(OpenAICompatible(api_base, "garbled").stream([]))


def test_a_key_is_not_carried_to_another_server(api_base: str) -> None:
    with pytest.raises(ValueError, match="sends on to 'http://127.0.0.1:9/elsewhere'; give that address"):
        list(OpenAICompatible(api_base, "moved", "secret").stream([]))


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(ConnectionError, match="is the server running"):
        list(OpenAICompatible("http://127.0.0.1:9/v1", "m").stream([]))


def test_a_base_that_is_no_url_is_refused() -> None:
    with pytest.raises(ValueError, match="is no URL"):
        make_generator("m", api_base="localhost")


def test_an_adapter_cannot_be_put_on_a_remote_model() -> None:
    with pytest.raises(ValueError, match="--adapter needs weights"):
        make_generator("m", adapter="a", api_base="http://localhost:1/v1")


def test_by_default_nothing_is_loaded() -> None:
    assert make_generator().name == "extractive"
