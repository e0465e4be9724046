"""One class answers every question: closed book, with retrieval, tuned, or both, by what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apps.finding import find_hits
from apps.inert_answer import inert_markup, inert_pieces
from apps.prompt_room import prompt_room
from rag.citations import cite
from rag.evidence import Evidence, Reader, in_domain, reader_for
from rag.meaning import similarity_by
from rag.prompt import build_messages, refusal
from rag.schema import Citation, Hit

if TYPE_CHECKING:
    from rag.span_reader import SpanReader
    from rag.trace import SearchTrace

_ENDS = " .!?。！？"  # of sentences


class Retriever(Protocol):
    def search(self, query: str, k: int = 6, where: Mapping[str, str] | None = None) -> Sequence[Hit]: ...


class Generator(Protocol):
    """Writes an answer piece by piece. Generators that quote use `evidence`; those that write use `messages`.

    One that quotes says so by an attribute `quotes = True`: it cannot judge whether what it quotes is an answer.
    """

    name: str
    adapter: str | None

    def stream(
        self, messages: Sequence[Mapping[str, str]], *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the assistant says and why. `notice` is the warning that the documents' owner wants repeated.

    `short` is the part of a quoted text that answers by itself, "" where nothing of it does; `short_at` says where it
    stands: `document.text[short_at.start:short_at.end] == short_at.quote`.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    refused: bool = False
    generator: str = ""
    adapter: str | None = None
    notice: str = ""
    support: float | None = None  # 0..1, how well the documents cover the question; None in closed book
    unsupported: tuple[str, ...] = ()  # sentences whose citation did not hold
    uncited: tuple[str, ...] = ()  # sentences that name no source and that none supports
    short: str = ""
    short_at: Citation | None = None

    @property
    def headline(self) -> str:
        """The short answer where it is a part of a sentence, else "": whole sentences are quoted anyway."""
        if self.short_at is None:
            return ""
        quote, sentence = self.short_at.quote.rstrip(_ENDS), self.short_at.claim.rstrip(_ENDS)
        return self.short if quote != sentence and quote in sentence else ""


@dataclass
class AnswerStream:
    """Iterate for the pieces as they come; `answer` is whole, with checked citations, once they have all come.

    `trace` is the record of the search, from the first piece on; None in closed book.
    """

    pieces: Iterator[str]
    finished: Answer | None = field(default=None, init=False)
    trace: SearchTrace | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[str]:
        return self.pieces

    @property
    def answer(self) -> Answer:
        for _ in self.pieces:
            pass
        if self.finished is None:
            raise RuntimeError("The generator stopped before its answer was whole.")
        return self.finished


class Assistant:
    """`Assistant(generator)` answers closed book; with a retriever it cites; with a tuned generator it is a hybrid.

    `threshold` is the support below which it refuses. None takes the reader's calibrated one for a generator that
    quotes; one that writes may refuse by itself and is spared only hopeless questions. `domain` names the
    trained reader of what is found; each question may name another. `spans` is a reader of one's own in its place.
    """

    def __init__(
        self,
        generator: Generator,
        retriever: Retriever | None = None,
        *,
        reader: Reader | None = None,
        k: int = 6,
        threshold: float | None = None,
        domain: str = "general",
        spans: SpanReader | None = None,
    ) -> None:
        self.generator = generator
        self.retriever = retriever
        self.reader = reader or (reader_for(retriever, domain, spans) if retriever is not None else None)
        self.k = k
        self.threshold = threshold

    def ask(self, question: str, history: Sequence[Mapping[str, str]] = ()) -> Answer:
        """Answers from the documents, or refuses. `history` is earlier turns: {"role", "content"}."""
        return self.stream(question, history).answer

    def stream(
        self, question: str, history: Sequence[Mapping[str, str]] = (), *, domain: str | None = None
    ) -> AnswerStream:
        """As `ask`, piece by piece. Raises ValueError when the question is empty or nobody reads for the domain."""
        if not question.strip():
            raise ValueError("The question is empty; type one.")
        stream = AnswerStream(iter(()))
        reader = self.reader if domain is None or self.reader is None else in_domain(self.reader, domain)
        stream.pieces = self._pieces(question.strip(), history, stream, reader)
        return stream

    def prompt(self, question: str, history: Sequence[Mapping[str, str]] = ()) -> list[dict[str, str]] | None:
        """What the generator would read to answer; None where the documents are too far from the question."""
        hits, evidence = self._find(question, history, AnswerStream(iter(())), self.reader)
        if evidence is not None and not evidence.suffices(self._least(evidence)):
            return None
        return self._messages(question, hits, history)

    def _pieces(
        self,
        question: str,
        history: Sequence[Mapping[str, str]],
        stream: AnswerStream,
        reader: Reader | None,
    ) -> Iterator[str]:
        hits, evidence = self._find(question, history, stream, reader)
        if evidence is not None and not evidence.suffices(self._least(evidence)):
            text = refusal(question)
            stream.finished = self._answer(text, hits, evidence, refused=True)
            yield text
            return
        said: list[str] = []
        messages = self._messages(question, hits, history)
        pieces = _kept(self.generator.stream(messages, question=question, evidence=evidence), said)
        yield from inert_pieces(pieces) if hits else pieces
        text = "".join(said).strip()
        refused = evidence is not None and text.strip("\"' ").startswith(refusal(question))
        stream.finished = self._answer(text, hits, evidence, refused=refused)

    def _messages(
        self, question: str, hits: Sequence[Hit], history: Sequence[Mapping[str, str]]
    ) -> list[dict[str, str]]:
        room, count = prompt_room(self.generator)
        return build_messages(question, hits, history, budget_tokens=room, count_tokens=count)

    def _least(self, evidence: Evidence) -> float | None:
        if self.threshold is None and not getattr(self.generator, "quotes", False):
            return evidence.hopeless
        return self.threshold

    def _find(
        self,
        question: str,
        history: Sequence[Mapping[str, str]],
        stream: AnswerStream,
        reader: Reader | None,
    ) -> tuple[tuple[Hit, ...], Evidence | None]:
        """What answers a follow-up is judged by the question that it stands for."""
        if self.retriever is None or reader is None:
            return (), None
        found = find_hits(self.retriever, self.generator, question, history, self.k)
        stream.trace = found.trace
        return found.hits, reader.read(found.query.searched, found.hits)

    def _answer(
        self, text: str, hits: tuple[Hit, ...], evidence: Evidence | None, *, refused: bool
    ) -> Answer:
        similarity = similarity_by(getattr(self.retriever, "embedder", None))
        quotes = not refused and getattr(self.generator, "quotes", False)
        short = evidence.short_answer() if evidence is not None and quotes else None
        cited = cite(text, hits, similarity=similarity) if hits and not refused else None
        return Answer(
            text=inert_markup(cited.text) if cited else text,
            citations=cited.citations if cited else (),
            hits=hits,
            refused=refused,
            generator=self.generator.name,
            adapter=self.generator.adapter,
            notice=getattr(self.retriever, "notice", "") or "",
            support=evidence.score if evidence else None,
            unsupported=cited.unsupported if cited else (),
            uncited=cited.uncited if cited else (),
            short=inert_markup(short.quote) if short else "",
            short_at=short,
        )


def _kept(pieces: Iterator[str], said: list[str]) -> Iterator[str]:
    for piece in pieces:
        said.append(piece)
        yield piece
