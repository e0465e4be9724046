"""Who writes the answer: the extractive default, a Hugging Face causal LM, or an OpenAI-compatible server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps.assistant import Generator
from rag.evidence import Evidence

if TYPE_CHECKING:
    from finetune import Classifier

Messages = Sequence[Mapping[str, str]]


class Extractive:
    """Quotes the sentences that support an answer, each with its mark; writes nothing of its own, needs no model."""

    name = "extractive"
    quotes = True
    adapter: str | None = None

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        if evidence is None:
            raise ValueError(
                "The extractive generator quotes documents and has none; "
                "give --index, or --model to answer closed book."
            )
        for position, passage in enumerate(evidence.best()):
            yield ("\n" if position else "") + f"{passage.text} [{passage.number}]"


class Labelling:
    """Answers with the label that a trained classifier gives the question: what a tuned encoder says closed book."""

    name = "classifier"

    def __init__(self, classifier: Classifier, adapter: str) -> None:
        self.adapter: str | None = adapter
        self._classifier = classifier

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        ((label, probability),) = self._classifier.classify([question])
        yield f"{label} ({probability:.0%})"


class OpenAICompatible:
    """Asks a server that speaks the OpenAI chat API (vLLM, llama.cpp, Ollama, a hosted one) and streams its words."""

    adapter: str | None = None

    def __init__(self, api_base: str, model: str, api_key: str = "", timeout_s: float = 120.0) -> None:
        if not api_base.startswith(("http://", "https://")):
            raise ValueError(f"--api-base {api_base!r} is no URL; give one such as http://localhost:8000/v1.")
        self.name = model
        self._url = api_base.rstrip("/") + "/chat/completions"
        self._key = api_key
        self._timeout_s = timeout_s

    def stream(
        self, messages: Messages, *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        body = {"model": self.name, "messages": [dict(m) for m in messages], "stream": True, "temperature": 0}
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:
                yield from _deltas(response)
        except urllib.error.HTTPError as error:
            said = error.read(300).decode("utf-8", "replace").replace("\n", " ")
            raise ValueError(f"{self._url} answered {error.code}: {said}") from error
        except urllib.error.URLError as error:
            raise ConnectionError(
                f"No answer from {self._url} ({error.reason}); is the server running?"
            ) from error


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


def make_generator(
    model: str | None = None,
    *,
    adapter: str | None = None,
    api_base: str | None = None,
    api_key: str = "",
    max_new_tokens: int = 512,
) -> Generator:
    """The generator that the given names ask for; none of them is the extractive one.

    An adapter without a model is loaded onto the base that its card names.
    """
    if api_base:
        if adapter:
            raise ValueError(
                "--adapter needs weights on this machine; a server behind --api-base loads its own."
            )
        return OpenAICompatible(api_base, model or "default", api_key)
    if model is None and adapter is None:
        return Extractive()
    from finetune import load_generator, read_card

    model = model or read_card(adapter or "").base_model
    generator: Generator = load_generator(model, adapter=adapter, max_new_tokens=max_new_tokens)
    return generator
