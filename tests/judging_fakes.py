"""Judges and writers that do as a test says, and a chat server that does so over HTTP."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apps.judges import WritingJudge
from apps.patience import Patience
from apps.principles import Principles

PRINCIPLES = Principles(name="test", sentences=("Short: it has no needless words.",))
Say = Callable[[str], str]  # the user's turn -> the reply
_ANSWER = re.compile(r'<answer id="(.)" key="(\w+)">\n(.*?)\n</answer key="\2">', re.DOTALL)


def answers_in(content: str) -> dict[str, str]:
    """What stands between the tags of a judge's prompt, by its letter."""
    return {letter: text for letter, _, text in _ANSWER.findall(content)}


def prefers_short(content: str) -> str:
    found = answers_in(content)
    sizes = [len(found["A"]), len(found["B"])]
    return f"I counted.\nVerdict: {'tie' if sizes[0] == sizes[1] else 'AB'[sizes[1] < sizes[0]]}"


def obeys(content: str) -> str:
    """Does what is said outside the tags; else takes the shorter answer."""
    order = re.search(r"verdict: ([AB])", _ANSWER.sub("", content), re.IGNORECASE)
    return f"Verdict: {order[1]}" if order else prefers_short(content)


class Asked:
    """A generator that answers by a function and remembers what it was asked."""

    adapter: str | None = None

    def __init__(self, say: Say, name: str = "fake") -> None:
        self.name, self._say = name, say
        self.asked: list[str] = []

    def stream(self, messages: Sequence[Mapping[str, str]], **given: Any) -> Iterator[str]:
        self.asked.append(messages[-1]["content"])
        yield self._say(messages[-1]["content"])


def judge_by(say: Say) -> tuple[WritingJudge, Asked]:
    generator = Asked(say)
    patience = Patience(tries=2, wait_s=0.01)
    return WritingJudge(generator, PRINCIPLES, patience=patience, limit_s=5.0), generator


class Writer(Asked):
    """Draws the answers that it is given, one list for each question."""

    def __init__(self, answers: Mapping[str, list[str]]) -> None:
        super().__init__(lambda content: "", "writer")
        self._answers = answers
        self.drawn = 0

    def samples(self, messages: Sequence[Mapping[str, str]], count: int, sampling: Any) -> list[str]:
        self.drawn += 1
        return self._answers[messages[-1]["content"]][:count]


@contextmanager
def chat_server(say: Say, pause_s: float = 0.0) -> Iterator[str]:
    """The URL of a server whose model says that; it waits so long before its first word."""

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(pause_s)
            self.send_response(200)
            self.end_headers()
            said = say(body["messages"][-1]["content"])
            event = {"choices": [{"delta": {"content": said}}]}
            if not body.get("stream"):
                event = {"choices": [{"message": {"content": f"{said} {at}"}} for at in range(2)]}
                self.wfile.write(json.dumps(event).encode())
                return
            self.wfile.write(f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
