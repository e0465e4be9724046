"""`POST /v1/news` reads {"text": ...} and answers with the reading; every place counts characters of that text."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apps.chat_api import RequestError
from apps.news import read_news

if TYPE_CHECKING:
    from apps.assistant import Generator


def read_news_request(body: bytes) -> str:
    """The text of a request. Raises RequestError that says what is wrong with it."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is no JSON ({error}).", "invalid_json") from None
    text = found.get("text") if isinstance(found, dict) else None
    if not isinstance(text, str):
        raise RequestError('Send {"text": "..."} with the news as text.', "invalid_text")
    return text


def news_answer(text: str, writer: Generator | None) -> dict[str, Any]:
    """The reading as the service sends it."""
    try:
        return {"object": "news.reading", **asdict(read_news(text, writer=writer))}
    except ValueError as error:
        raise RequestError(str(error), "invalid_text") from None
