"""What the finance example promises: right sources, verbatim quotes at the stated place, refusal of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from apps.assistant import Assistant
from apps.generators import Extractive
from apps.trial import Outcome, load_questions, run_questions, score
from rag import build_index
from rag.loaders import load_document

FINANCE = Path(__file__).parents[2] / "examples" / "finance"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    index = build_index(FINANCE / "docs", tmp_path_factory.mktemp("finance") / "index")
    return run_questions(Assistant(Extractive(), index), load_questions(FINANCE / "qa.jsonl"))


def test_the_gold_document_is_cited_for_most_answerable_questions(outcomes: Sequence[Outcome]) -> None:
    assert score(outcomes).gold_cited >= 0.85


def test_most_of_the_unanswerable_are_refused_and_few_others(outcomes: Sequence[Outcome]) -> None:
    found = score(outcomes)
    assert found.unanswerable >= 20
    assert found.rightly_refused >= 0.70
    assert found.wrongly_refused <= 0.10


def test_every_quote_stands_verbatim_at_the_stated_place(outcomes: Sequence[Outcome]) -> None:
    citations = [citation for outcome in outcomes for citation in outcome.answer.citations]
    documents = {c.source: load_document(FINANCE / "docs" / c.source, c.source) for c in citations}
    assert len(citations) > 50
    for citation in citations:
        document = documents[citation.source]
        assert document.text[citation.start : citation.end] == citation.quote
        pages = [page.number for page in document.pages if page.start <= citation.start < page.end]
        assert pages == ([citation.page] if document.pages else [])


def test_each_answered_question_has_a_citation(outcomes: Sequence[Outcome]) -> None:
    assert [o.question.text for o in outcomes if not o.answer.refused and not o.answer.citations] == []
