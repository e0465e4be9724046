"""The scores of a trial: what counts as cited, as refused, and as missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.assistant import Answer
from apps.trial import Outcome, Question, Score, load_questions, run_questions, score
from rag.schema import Citation

ASKED = Question(text="When?", sources=("terms.md", "old.md"), quote="within thirty days")
UNANSWERABLE = Question(text="Who won?")


def cited(source: str, quote: str = "") -> Answer:
    citation = Citation(number=1, claim=quote, quote=quote, source=source, start=0, end=len(quote))
    return Answer(text=quote, citations=(citation,))


def outcome(question: Question, answer: Answer) -> Outcome:
    return Outcome(question=question, answer=answer)


def test_any_of_the_gold_sources_will_do() -> None:
    assert outcome(ASKED, cited("old.md")).gold_cited
    assert not outcome(ASKED, cited("other.md")).gold_cited
    assert not outcome(ASKED, Answer(text="In thirty days.")).gold_cited


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("within thirty days", True),
        ("You may return it within\nthirty days of delivery.", True),  # more than the gold, broken over lines
        ("thirty days", True),
        ("within sixty days", False),
        ("", False),
    ],
)
def test_a_quote_counts_when_it_holds_the_gold_or_is_part_of_it(quote: str, found: bool) -> None:
    assert outcome(ASKED, cited("terms.md", quote)).quote_cited is found


def test_shares_are_of_their_own_kind_of_question() -> None:
    refusal = Answer(text="no", refused=True)
    outcomes = [
        outcome(ASKED, cited("terms.md", "within thirty days")),
        outcome(ASKED, cited("other.md")),
        outcome(ASKED, refusal),
        outcome(ASKED, cited("terms.md", "within sixty days")),
        outcome(UNANSWERABLE, refusal),
        outcome(UNANSWERABLE, cited("terms.md")),
    ]
    assert score(outcomes) == Score(
        answerable=4,
        unanswerable=2,
        gold_cited=0.5,
        quote_cited=0.25,
        wrongly_refused=0.25,
        rightly_refused=0.5,
    )


def test_a_share_of_nothing_is_nothing() -> None:
    assert score([]).gold_cited == score([]).rightly_refused == 0.0


def test_questions_are_read_with_all_their_sources(tmp_path: Path) -> None:
    rows = [
        {
            "question": "When?",
            "source": "a.md",
            "also": ["b.pdf"],
            "quote": "q",
            "language": "zh",
            "split": "dev",
        },
        {"question": "Who?", "answerable": False, "source": "a.md"},
    ]
    file = tmp_path / "qa.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", "utf-8")
    first, second = load_questions(file)
    assert first == Question(text="When?", language="zh", sources=("a.md", "b.pdf"), quote="q", split="dev")
    assert first.answerable and not second.answerable


def test_every_question_is_asked_by_itself_and_in_order() -> None:
    class Echo:
        def ask(self, question: str, history: object = ()) -> Answer:
            assert history == ()
            return Answer(text=question)

    found = run_questions(Echo(), [ASKED, UNANSWERABLE])  # type: ignore[arg-type]
    assert [item.answer.text for item in found] == ["When?", "Who won?"]
