"""What an assistant looks for and what it finds: the question put into its conversation, the hits, the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.rewrite import MOST_CHARACTERS, Rewritten, Writer, rewrite_query
from rag.schema import Hit

if TYPE_CHECKING:
    from rag.trace import SearchTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The hits of a question as it was searched; `trace` is None for a retriever that keeps no record."""

    query: Rewritten
    hits: tuple[Hit, ...]
    trace: SearchTrace | None = None


def find_hits(
    retriever: Any, generator: Any, question: str, history: Sequence[Mapping[str, str]], k: int
) -> Found:
    """Search for the question, joined to what it leans on in the conversation."""
    query = rewrite_query(question, history, _writer(generator))
    if not hasattr(retriever, "trace"):
        return Found(query=query, hits=tuple(retriever.search(query.searched, k=k)))
    trace: SearchTrace = retriever.trace(query.searched, k=k).asked_as(question, query.reason)
    return Found(query=query, hits=trace.hits, trace=trace)


def _writer(generator: Any) -> Writer | None:
    """The generator as one that rewrites a question; None for one that only quotes."""
    if getattr(generator, "quotes", False):
        return None

    def write(messages: list[dict[str, str]]) -> str:
        said = ""
        pieces = generator.stream(messages, question=messages[-1]["content"], evidence=None)
        try:
            for piece in pieces:
                said += piece
                if len(said) > MOST_CHARACTERS:  # no question any more
                    break
        finally:
            getattr(pieces, "close", lambda: None)()
        return said

    return write
