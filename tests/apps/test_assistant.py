from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from fakes import HashEmbedder

from apps.assistant import Assistant
from apps.generators import Extractive
from rag import Document, Index, build_index
from rag.evidence import Evidence
from rag.prompt import refusal
from rag.schema import Hit

REFUNDS = "# Refunds\nThe refund window is thirty days from delivery. Opened software is not taken back.\n"
HOURS = "# Opening hours\nThe shop opens at nine and closes at six. 周六上午九点开门，下午一点关门。\n"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    documents = [Document(text=REFUNDS, source="refunds.md"), Document(text=HOURS, source="hours.md")]
    return build_index(documents, tmp_path / "index", embedder=HashEmbedder())


class Saying:
    """A generator that says what it is told and keeps the prompt."""

    name = "saying"
    adapter: str | None = None

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.prompts: list[list[Mapping[str, str]]] = []

    def stream(
        self, messages: Sequence[Mapping[str, str]], *, question: str = "", evidence: Evidence | None = None
    ) -> Iterator[str]:
        self.prompts.append(list(messages))
        yield from self.pieces


def test_the_extractive_answer_quotes_its_source(index: Index) -> None:
    answer = Assistant(Extractive(), index).ask("How long is the refund window?")
    citation = answer.citations[0]
    assert citation.source == "refunds.md"
    assert index.document("refunds.md").text[citation.start : citation.end] == citation.quote
    assert "thirty days" in answer.text
    assert not answer.refused


def test_the_footnotes_of_a_source_leave_a_quote_its_citation(tmp_path: Path) -> None:
    """Papers write [37] before the full stop, or [2], which would be a mark of an answer."""
    text = "Vectors of the type Ad5 [2] stay stable for six months [37] . Nothing else does."
    index = build_index([Document(text=text, source="paper.md")], tmp_path / "index", embedder=HashEmbedder())
    answer = Assistant(Extractive(), index).ask("How long do vectors of the type Ad5 stay stable?")
    assert [citation.quote for citation in answer.citations] == [text.split(" Nothing")[0]]
    assert answer.text == "Vectors of the type Ad5 stay stable for six months . [1]"


def test_chinese_is_answered_in_chinese(index: Index) -> None:
    answer = Assistant(Extractive(), index).ask("周六几点开门？")
    assert answer.citations[0].quote == "周六上午九点开门，下午一点关门。"


def test_what_nothing_supports_is_refused_without_asking_the_model(index: Index) -> None:
    model = Saying("Paris [1]")
    answer = Assistant(model, index).ask("Which airline serves Reykjavik on Tuesdays?")
    assert answer.refused
    assert answer.text == refusal("x")
    assert answer.citations == ()
    assert model.prompts == []


def test_a_model_that_writes_judges_a_colloquial_question_by_itself(index: Index) -> None:
    asked = "Can I get a refund for opened software after delivery?"
    assert Assistant(Extractive(), index).ask(asked).refused
    assert not Assistant(Saying("The refund window is thirty days. [1]"), index).ask(asked).refused
    said_no = Assistant(Saying(refusal(asked)), index).ask(asked)
    assert said_no.refused
    assert said_no.citations == ()


def test_a_models_unsupported_citation_is_taken_away(index: Index) -> None:
    model = Saying("The refund window is thirty", " days. [1] It is sixty days for gold members. [1]")
    answer = Assistant(model, index).ask("How long is the refund window?")
    assert [citation.claim for citation in answer.citations] == ["The refund window is thirty days."]
    assert answer.unsupported == ("It is sixty days for gold members.",)
    assert "<source" in model.prompts[0][-1]["content"]


def test_a_stream_gives_pieces_first_and_the_checked_answer_last(index: Index) -> None:
    stream = Assistant(Saying("Closes", " at six. [2]", "[9]"), index).stream("When does the shop close?")
    assert "".join(stream).startswith("Closes at six.")
    assert "[9]" not in stream.answer.text


def test_without_a_retriever_it_answers_closed_book() -> None:
    model = Saying("Forty-two [1]")
    answer = Assistant(model).ask("What?", [{"role": "user", "content": "Hi"}])
    assert answer.text == "Forty-two [1]"
    assert (answer.hits, answer.support) == ((), None)
    assert [m["role"] for m in model.prompts[0]] == ["system", "user", "user"]


def test_extractive_without_documents_says_what_to_give() -> None:
    with pytest.raises(ValueError, match="--index"):
        Assistant(Extractive()).ask("What?")


def test_an_empty_question_is_refused_in_one_line(index: Index) -> None:
    with pytest.raises(ValueError, match="question is empty"):
        Assistant(Extractive(), index).ask("  ")


HISTORY = [
    {"role": "user", "content": "How long is the refund window?"},
    {"role": "assistant", "content": "Thirty days."},
]


def test_a_follow_up_is_searched_and_judged_as_the_question_that_it_stands_for(index: Index) -> None:
    stream = Assistant(Extractive(), index).stream("And from when?", HISTORY)
    assert "thirty days from delivery" in stream.answer.text
    trace = stream.trace
    assert trace is not None
    assert (trace.asked, trace.searched) == ("And from when?", "refund window from when?")
    assert trace.hits == stream.answer.hits == tuple(index.search(trace.searched))


def test_a_model_that_writes_also_writes_what_is_searched(index: Index) -> None:
    model = Saying("When does the refund window begin?")
    stream = Assistant(model, index).stream("And from when?", HISTORY)
    assert stream.answer.hits
    assert stream.trace is not None
    assert stream.trace.searched == "When does the refund window begin?"
    assert "written by the model" in stream.trace.rewrite
    assert len(model.prompts) == 2  # one to rewrite, one to answer


def test_a_retriever_without_a_record_is_enough(index: Index) -> None:
    class Plain:
        def search(self, query: str, k: int = 6, where: Mapping[str, str] | None = None) -> list[Hit]:
            return index.search(query, k=k)

    stream = Assistant(Extractive(), Plain()).stream("How long is the refund window?")
    assert "thirty days" in stream.answer.text
    assert stream.trace is None
