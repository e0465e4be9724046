"""A server that speaks the OpenAI chat API (vLLM, llama.cpp, Ollama, a hosted one), over the standard library."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag.evidence import Evidence

if TYPE_CHECKING:
    from finetune.sampling import Sampling

Messages = Sequence[Mapping[str, str]]
# Timeout, conflict, too early, too many requests: the same request may be answered a little later.
_PASSING = (408, 409, 425, 429)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to a server that nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return


class OpenAICompatible:
    """Asks the server and streams its words. `timeout_s` is the longest wait for its next word.

    What may pass (no connection, no word in time, too many requests, an error of the server) is a ConnectionError or
    TimeoutError; what the server refuses is a ValueError.
    """

    adapter: str | None = None

    def __init__(self, api_base: str, model: str, api_key: str = "", timeout_s: float = 120.0) -> None:
        if not api_base.startswith(("http://", "https://")):
            raise ValueError(f"--api-base {api_base!r} is no URL; give one such as http://localhost:8000/v1.")
        self.name = model
        self.url = api_base.rstrip("/") + "/chat/completions"
        self._key = api_key
        self._timeout_s = timeout_s

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        """The answer in pieces, the likeliest words."""
        with self._answering(messages, stream=True, temperature=0) as response:
            yield from _deltas(response)

    def whole(self, messages: Messages, limit_s: float) -> str:
        """As `stream`, in one piece. A server that still writes after `limit_s` is a TimeoutError."""
        with self._answering(messages, stream=True, temperature=0) as response:
            return "".join(_deltas(_before(time.monotonic() + limit_s, response)))

    def samples(self, messages: Messages, count: int, sampling: Sampling) -> list[str]:
        """`count` drawn answers. A server that gives fewer at a time than it is asked for is asked again."""
        found: list[str] = []
        while len(found) < count:
            drawn = replace(sampling, seed=sampling.seed + len(found))
            choices = self._drawn(messages, count - len(found), drawn)
            if not choices:
                raise ValueError(f"{self.url} answered without a choice; is it an OpenAI-compatible server?")
            found += choices[: count - len(found)]
        return found

    def _drawn(self, messages: Messages, count: int, sampling: Sampling) -> list[str]:
        settings = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
        with self._answering(messages, n=count, **settings) as response:
            choices = json.loads(response.read()).get("choices") or []
            return [str((choice.get("message") or {}).get("content") or "") for choice in choices]

    @contextmanager
    def _answering(self, messages: Messages, **settings: Any) -> Iterator[Any]:
        """The open response; errors of the connection and of what it carries are put in one line."""
        body = {"model": self.name, "messages": [dict(turn) for turn in messages], **settings}
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            opener = urllib.request.build_opener(_NoRedirects)
            with opener.open(request, timeout=self._timeout_s) as response:
                yield response
        except urllib.error.HTTPError as error:
            if error.code in (301, 302, 303, 307, 308):
                raise ValueError(
                    f"{self.url} sends on to '{error.headers.get('Location', '')}'; give that address."
                ) from error
            said = error.read(300).decode("utf-8", "replace").replace("\n", " ")
            passing = error.code in _PASSING or error.code >= 500
            raise (ConnectionError if passing else ValueError)(
                f"{self.url} answered {error.code}: {said}"
            ) from error
        except urllib.error.URLError as error:
            raise ConnectionError(
                f"No answer from {self.url} ({error.reason}); is the server running?"
            ) from error
        except TimeoutError as error:
            raise TimeoutError(f"{self.url} did not answer in time; is it overloaded?") from error
        except (http.client.HTTPException, ConnectionError) as error:
            raise ConnectionError(f"{self.url} broke off its answer ({error}).") from error
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{self.url} answered what is no chat completion ({error}); is it an OpenAI-compatible server?"
            ) from error


def _before(end: float, lines: Any) -> Iterator[bytes]:
    for line in lines:
        if time.monotonic() > end:
            raise TimeoutError
        yield line


def _deltas(lines: Any) -> Iterator[str]:
    for raw in lines:
        line = raw.decode("utf-8").strip()
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        choices = json.loads(data).get("choices") or [{}]
        if piece := (choices[0].get("delta") or {}).get("content"):
            yield piece
