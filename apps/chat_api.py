"""OpenAI's chat messages: reads a request and writes completions, chunks and errors; knows nothing of HTTP."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apps.assistant import Answer, Assistant
from apps.labels import Label
from rag.domain_readers import domain_reader

CHARACTERS_PER_TOKEN = 4  # the rule of thumb for English; an estimate and documented as such


class RequestError(Exception):
    """A request that cannot be served; its text is for the client."""

    def __init__(self, message: str, code: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What is asked: the last user message, and the turns before it as history."""

    question: str
    history: tuple[dict[str, str], ...] = ()
    stream: bool = False
    include_usage: bool = False  # a last chunk that counts, as `stream_options` asks for
    domain: str | None = None  # who reads what is found; None = as the service was started


def read_request(body: bytes) -> ChatRequest:
    """A request from its JSON. Raises RequestError that says what is wrong with it."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is no JSON ({error}).", "invalid_json") from None
    if not isinstance(found, dict):
        raise RequestError('The body is no JSON object; send {"messages": [...]}.', "invalid_json")
    turns = read_turns(found.get("messages"))
    asked = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if asked is None:
        raise RequestError(
            "`messages` holds no message of the role 'user'; add the question.", "no_user_message"
        )
    if not turns[asked]["content"].strip():
        raise RequestError("The last user message is empty; type a question.", "empty_question")
    options = found.get("stream_options")
    return ChatRequest(
        question=turns[asked]["content"],
        history=tuple(turns[:asked]),
        stream=bool(found.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        domain=_domain(found.get("domain")),
    )


def _domain(name: Any) -> str | None:
    """Raises RequestError for a domain that nobody reads for."""
    if name is None:
        return None
    try:
        domain_reader(name if isinstance(name, str) else repr(name))
    except ValueError as error:
        raise RequestError(str(error), "unknown_domain") from None
    return str(name)


def read_turns(messages: Any) -> list[dict[str, str]]:
    """User and assistant turns in order; other roles do not reach the prompt."""
    if not isinstance(messages, list) or not messages:
        raise RequestError("`messages` must be a list of at least one message.", "invalid_messages")
    turns = []
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(f"`messages[{place}]` is no object with a role.", "invalid_messages")
        if message["role"] in ("user", "assistant"):
            turns.append({"role": message["role"], "content": _text(message.get("content"), place)})
    return turns


def _text(content: Any, place: int) -> str:
    """The text of a content, be it a string, a list of text parts, or absent (an assistant's tool call)."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        texts = [part.get("text") for part in content if part.get("type") == "text"]
        if len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return "\n".join(text for text in texts if isinstance(text, str))
    raise RequestError(
        f"`messages[{place}].content` must be text; images and sound are not read.", "invalid_content"
    )


def model_name(assistant: Assistant) -> str:
    """The generator, and its adapter where it has one: "name+adapter"."""
    adapter = assistant.generator.adapter
    return f"{assistant.generator.name}+{adapter}" if adapter else assistant.generator.name


def new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"


def extra_fields(answer: Answer, labels: Sequence[Label]) -> dict[str, Any]:
    """What stands beside `content`: see the opening of `apps.service`."""
    return {
        "citations": [
            {
                "number": citation.number,
                "source": citation.source,
                "page": citation.page,
                "start": citation.start,
                "end": citation.end,
                "quote": citation.quote,
                "claim": citation.claim,
                "support": citation.support,
            }
            for citation in answer.citations
        ],
        "short": _short(answer),
        "refused": answer.refused,
        "unsupported": list(answer.unsupported),
        "uncited": list(answer.uncited),
        "notice": answer.notice,
        "labels": [asdict(label) for label in labels],
    }


def _short(answer: Answer) -> dict[str, Any] | None:
    at = answer.short_at
    if at is None:
        return None
    place = {"number": at.number, "source": at.source, "page": at.page, "start": at.start, "end": at.end}
    return {"text": answer.short, **place, "quote": at.quote}


def usage(asked: ChatRequest, text: str) -> dict[str, int]:
    """Estimated tokens of what the client sent and got; the retrieved passages are not counted."""
    prompt = _tokens(asked.question) + sum(_tokens(turn["content"]) for turn in asked.history)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": _tokens(text),
        "total_tokens": prompt + _tokens(text),
    }


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def completion(
    reply: str, model: str, answer: Answer, extra: Mapping[str, Any], counted: Mapping[str, int]
) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text, **extra}
    return {
        "id": reply,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": dict(counted),
    }


def chunk(
    reply: str,
    model: str,
    delta: Mapping[str, Any] | None,
    *,
    finish_reason: str | None = None,
    usage: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """One chunk of a streamed answer; the one that counts has no choice, as in OpenAI's API."""
    choice = {"index": 0, "delta": dict(delta or {}), "finish_reason": finish_reason, "logprobs": None}
    body: dict[str, Any] = {
        "id": reply,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [] if delta is None else [choice],
    }
    return body if usage is None else body | {"usage": dict(usage)}


def event(body: Mapping[str, Any]) -> str:
    """A server-sent event; JSON escapes the line ends that would end it early."""
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def error_body(message: str, kind: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "param": None}}
