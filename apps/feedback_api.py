"""Thumbs that come in over HTTP: the answers that were given lately, and the feedback that a request makes of one.

`POST /v1/feedback` reads {"id": ..., "thumb": "up" or "down", "correction": ...}, where `id` is that of a completion.
The last 1,000 answers are remembered, in memory alone. A client that judges an older one, or one of before a restart,
sends `question` and `answer` as well, and `history` (messages) where there was any; its sources are not known then.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from threading import Lock
from typing import Any

from apps.assistant import Answer
from apps.chat_api import ChatRequest, RequestError, read_turns
from apps.feedback import Feedback, feedback_on
from rag.prompt import REFUSALS

REMEMBERED = 1_000  # answers; six passages of 180 tokens each make about 10 KB an answer
_LONGEST_ID = 200


class RecentAnswers:
    """Answers by the id of their completion, the oldest forgotten first; threads may share it."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._found: OrderedDict[str, tuple[ChatRequest, Answer]] = OrderedDict()
        self._lock = Lock()

    def keep(self, reply: str, asked: ChatRequest, answer: Answer) -> None:
        with self._lock:
            self._found[reply] = asked, answer
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def get(self, reply: str) -> tuple[ChatRequest, Answer] | None:
        with self._lock:
            return self._found.get(reply)


def read_thumb(body: bytes, recent: RecentAnswers) -> Feedback:
    """The feedback of a request. Raises RequestError that says what is wrong with it."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is no JSON ({error}).", "invalid_json") from None
    if not isinstance(found, dict):
        raise RequestError('The body is no JSON object; send {"id": ..., "thumb": "up"}.', "invalid_json")
    thumb, reply = found.get("thumb"), _text(found, "id")
    if thumb not in ("up", "down"):
        raise RequestError(f"`thumb` is {thumb!r}; choose 'up' or 'down'.", "invalid_thumb")
    if not reply or len(reply) > _LONGEST_ID:
        raise RequestError("`id` must be that of a completion, such as 'chatcmpl-1a2b'.", "invalid_id")
    correction = _text(found, "correction")
    known = recent.get(reply)
    if known is not None:
        asked, answer = known
        return feedback_on(
            asked.question, answer, thumb, correction=correction, answer_id=reply, history=asked.history
        )
    question, said = _text(found, "question"), _text(found, "answer")
    if not question.strip() or not said.strip():
        message = f"No answer {reply!r} is remembered here; send its `question` and `answer` as well."
        raise RequestError(message, "unknown_id", 404)
    return Feedback(
        question=question,
        answer=said,
        thumb=thumb,
        answer_id=reply,
        history=tuple(read_turns(found["history"])) if found.get("history") else (),
        correction=correction.strip() or None,
        refused=said.strip() in REFUSALS.values(),
    )


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RequestError(f"`{name}` must be text, not {type(value).__name__}.", f"invalid_{name}")
    return value
