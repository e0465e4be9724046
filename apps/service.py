"""Answers over HTTP: OpenAI's chat API, whole or streamed, with the citations in fields beside the content.

`POST /v1/chat/completions` reads `model`, `messages`, `stream` and `stream_options`, besides `domain` (general, finance
or medical: whose reader reads what is found, for this question) and ignores the rest. The last user message is the
question, earlier user and assistant turns are its history; system messages are left out, because `rag.prompt` makes the
prompt. Beside `content`, the message (whole) or the last chunk's delta (streamed) carries

    citations    list of {number, source, page, start, end, quote, claim, support}; quote == source's text[start:end]
    short        {text, number, source, page, start, end, quote}: the part of a quoted answer that answers by itself;
                 null where there is none
    refused      true when the documents do not hold the answer
    unsupported  list of sentences whose source does not support them; their marks were removed
    uncited      list of sentences that name no source and that none supports
    notice       what the documents' owner wants repeated, "" when nothing
    labels       list of {text, label, probability}, empty without a classification adapter
    text         in the last chunk alone: the answer after its marks were checked, where that changed what was streamed

`POST /v1/news` reads a finance news text: see `apps.news_api`.

`POST /v1/feedback` keeps a thumb on an answer, and what it should have said: see `apps.feedback_api`.

Links, images and tags in an answer from documents are broken by a space, so that a client which renders Markdown
fetches nothing; `quote` is the source's own text and must be shown as text.

`usage` counts a token per four characters, rounded up: an estimate, as no tokenizer is at hand for every generator.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from apps.assistant import Answer, AnswerStream, Assistant
from apps.chat_api import (
    ChatRequest,
    RequestError,
    chunk,
    completion,
    error_body,
    event,
    extra_fields,
    model_name,
    new_id,
    read_request,
    usage,
)
from apps.feedback import add_feedback
from apps.feedback_api import REMEMBERED, RecentAnswers, read_thumb
from apps.labels import Classifier, Label, label_answer
from apps.news_api import news_answer, read_news_request

logger = logging.getLogger(__name__)

# An answer holds a thread only while a piece is made, but several may wait for one model: as many answers at a time
# as threads, so that the one which has the model never waits for a thread.
ANSWERS_AT_A_TIME = 16
MAX_BODY_BYTES = 4 << 20
LOOPBACK_NAMES = ("127.0.0.1", "localhost")


def create_app(
    assistant: Assistant,
    *,
    api_key: str | None = None,
    classifier: Classifier | None = None,
    allowed_hosts: Sequence[str] | None = None,
    feedback: str | Path | None = None,
) -> FastAPI:
    """The service over one assistant. With `api_key` every `/v1` path asks for it as a Bearer token.

    `allowed_hosts` are the Host headers that are served: a service for this machine alone must not answer to a web
    page that has pointed its own name here. None serves all. `feedback` is the file or database URL in which thumbs
    are kept; None keeps none.
    """
    app = FastAPI(title="llm-adaptation-advisor", openapi_url=None)
    recent = RecentAnswers(REMEMBERED if feedback is not None else 0)
    answers = _Answers(assistant, classifier, recent)
    if allowed_hosts is not None:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "model": model_name(assistant)}

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        _check_key(request, api_key)
        entry = {"id": model_name(assistant), "object": "model", "created": 0, "owned_by": "local"}
        return {"object": "list", "data": [entry]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        _check_key(request, api_key)
        asked = read_request(await _body(request))
        if asked.stream:
            return StreamingResponse(answers.streamed(asked), media_type="text/event-stream")
        return await answers.whole(asked, request)

    @app.post("/v1/news")
    async def news(request: Request) -> Response:
        _check_key(request, api_key)
        return JSONResponse(await answers.news(read_news_request(await _body(request))))

    @app.post("/v1/feedback")
    async def thumb(request: Request) -> Response:
        _check_key(request, api_key)
        if feedback is None:
            raise RequestError("This service keeps no feedback.", "no_feedback", 404)
        if not request.headers.get("content-type", "").startswith("application/json"):
            # What a page of another origin may send without asking the browser's leave is no JSON by name.
            raise RequestError("Send the thumb as Content-Type: application/json.", "not_json", 415)
        row = read_thumb(await _body(request), recent)
        try:
            await anyio.to_thread.run_sync(add_feedback, feedback, row)
        except (ValueError, OSError, ImportError) as error:
            logger.error("A thumb could not be kept: %s", error)
            body = error_body("The thumb could not be kept; the log says why.", "server_error", "not_kept")
            return JSONResponse(body, status_code=500)
        return JSONResponse({"object": "feedback", "id": row.answer_id, "thumb": row.thumb})

    app.add_exception_handler(RequestError, _refuse)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _broken)
    return app


class _Answers:
    """Runs the blocking generator beside the event loop and ends it when its reader has gone."""

    def __init__(self, assistant: Assistant, classifier: Classifier | None, recent: RecentAnswers) -> None:
        self._assistant = assistant
        self._recent = recent
        self._classifier = classifier
        self._threads = anyio.CapacityLimiter(ANSWERS_AT_A_TIME)
        self._places = anyio.Semaphore(ANSWERS_AT_A_TIME)

    async def _newest_index(self) -> None:
        """An index that was updated meanwhile is read anew; one that cannot be leaves the old generation answering."""
        refresh = getattr(self._assistant.retriever, "refresh", None)
        if refresh is None:
            return
        try:
            await self._run(refresh)
        except (ValueError, OSError) as error:
            logger.warning("Answering from the index as it was opened: %s", error)

    async def whole(self, asked: ChatRequest, request: Request) -> Response:
        await self._newest_index()
        stream = self._assistant.stream(asked.question, asked.history, domain=asked.domain)
        async for _ in self._pieces(stream):
            if await request.is_disconnected():
                return Response(status_code=499)  # nobody reads it
        answer, reply = stream.answer, new_id()
        self._recent.keep(reply, asked, answer)
        extra = extra_fields(answer, await self._labels(answer, asked.question))
        name, counted = model_name(self._assistant), usage(asked, answer.text)
        return JSONResponse(completion(reply, name, answer, extra, counted))

    async def streamed(self, asked: ChatRequest) -> AsyncIterator[str]:
        reply, name = new_id(), model_name(self._assistant)
        said: list[str] = []
        try:
            yield event(chunk(reply, name, {"role": "assistant", "content": ""}))
            await self._newest_index()
            stream = self._assistant.stream(asked.question, asked.history, domain=asked.domain)
            async for piece in self._pieces(stream):
                said.append(piece)
                yield event(chunk(reply, name, {"content": piece}))
            answer = stream.answer
            self._recent.keep(reply, asked, answer)
            extra = extra_fields(answer, await self._labels(answer, asked.question))
            if answer.text != "".join(said).strip():
                extra["text"] = answer.text
            yield event(chunk(reply, name, extra, finish_reason="stop"))
            if asked.include_usage:
                yield event(chunk(reply, name, None, usage=usage(asked, answer.text)))
            yield "data: [DONE]\n\n"
        except Exception:
            logger.exception("The answer to a streamed request broke off")
            yield event(_GENERATION_FAILED)

    async def news(self, text: str) -> dict[str, Any]:
        """The reading of a news text, by the model where the service has one that writes."""
        generator = self._assistant.generator
        writes = not (getattr(generator, "quotes", False) or self._classifier is not None)
        async with self._places:
            found: dict[str, Any] = await self._run(news_answer, text, generator if writes else None)
        return found

    async def _pieces(self, stream: AnswerStream) -> AsyncIterator[str]:
        """Each piece as it comes. Closing the generator, whatever ended the reading, is what stops the model."""
        pieces = iter(stream)
        async with self._places:
            try:
                while (piece := await self._run(next, pieces, None)) is not None:
                    yield piece
            finally:
                with anyio.CancelScope(shield=True):
                    await self._run(getattr(pieces, "close", _nothing))

    async def _labels(self, answer: Answer, question: str) -> Sequence[Label]:
        if self._classifier is None:
            return ()
        found: Sequence[Label] = await self._run(label_answer, answer, self._classifier, question)
        return found

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        return await anyio.to_thread.run_sync(function, *args, limiter=self._threads)


_GENERATION_FAILED = error_body(
    "The answer could not be generated; the service's log says why.", "server_error", "generation_failed"
)


def _nothing() -> None:
    """What a plain iterator needs to be closed."""


async def _body(request: Request) -> bytes:
    """The body, at most MAX_BODY_BYTES of it, so that one request cannot fill the memory."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MAX_BODY_BYTES:
            raise RequestError(
                f"The request is larger than {MAX_BODY_BYTES} bytes; shorten it.", "too_large", 413
            )
    return bytes(found)


def _check_key(request: Request, api_key: str | None) -> None:
    if not api_key:
        return
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        raise RequestError(
            "The API key is missing or wrong; send it as 'Authorization: Bearer KEY'.", "invalid_api_key", 401
        )


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RequestError):
        return JSONResponse(
            error_body(str(error), "invalid_request_error", error.code), status_code=error.status
        )
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = "POST /v1/chat/completions, POST /v1/news, POST /v1/feedback, GET /v1/models, GET /healthz"
    message = f"No {request.method} {request.url.path} here; there are {known}."
    return JSONResponse(error_body(message, "invalid_request_error", "not_found"), status_code=status)


async def _broken(request: Request, error: Exception) -> JSONResponse:
    logger.exception("The answer to a request broke off", exc_info=error)
    return JSONResponse(_GENERATION_FAILED, status_code=500)
