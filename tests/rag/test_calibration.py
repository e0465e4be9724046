"""An index learns from its own questions when to refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import HashEmbedder

from rag import Document, Index, build_index, open_index
from rag.absent import WithoutSources
from rag.calibration import NAME, Labelled, calibrate, choose_threshold, write_calibration
from rag.evidence import reader_for

PLACES = [
    "harbour",
    "station",
    "library",
    "museum",
    "garden",
    "bridge",
    "tower",
    "market",
    "school",
    "mill",
    "chapel",
    "quarry",
]


@pytest.fixture
def index(tmp_path: Path, embedder: HashEmbedder) -> Index:
    documents = [
        Document(text=f"The {place} opens at {hour} and closes at noon.", source=f"{place}.txt")
        for hour, place in enumerate(PLACES, start=1)
    ]
    return build_index(documents, tmp_path / "index", embedder=embedder)


def questions() -> list[Labelled]:
    return [
        Labelled(question=f"When {verb} the {place}?", sources=(f"{place}.txt",))
        for place in PLACES
        for verb in ("opens", "closes")
    ]


def test_a_source_that_is_left_out_is_neither_found_nor_counted(index: Index) -> None:
    reader = WithoutSources(index)
    _, hits = reader.read("When opens the harbour?", ["harbour.txt"], 6)
    assert hits and "harbour.txt" not in {hit.chunk.source for hit in hits}
    rare = reader._rarity("harbour")
    reader.read("When opens the harbour?", [], 6)
    assert rare > reader._rarity("harbour") == pytest.approx(index.rarity("harbour"), abs=0.1)


def test_without_any_source_left_nothing_is_read(index: Index) -> None:
    (_, read), hits = WithoutSources(index).read("When?", [f"{place}.txt" for place in PLACES], 6)
    assert (read, list(hits)) == ([], [])


def test_the_threshold_parts_questions_from_those_whose_source_is_gone(index: Index) -> None:
    (found,) = calibrate(index, questions())
    assert (found.judge, found.answerable, found.unanswerable) == ("lexical", 24, 24)
    assert found.wrongly_refused <= 0.1 and found.rightly_refused >= 0.9


def test_an_index_that_is_opened_again_refuses_by_what_was_found(
    index: Index, embedder: HashEmbedder
) -> None:
    (found,) = calibrate(index, questions())
    write_calibration(index, [found])
    again = open_index(index.path, embedder=embedder)
    hits = again.search("When opens the harbour?")
    assert reader_for(again).read("When opens the harbour?", hits).threshold == found.threshold


def test_an_update_keeps_what_was_found(index: Index, embedder: HashEmbedder) -> None:
    write_calibration(index, calibrate(index, questions()))
    index.add([Document(text="The castle never closes.", source="castle.txt")])
    assert open_index(index.path, embedder=embedder).refusal_thresholds()


def test_thresholds_of_another_embedder_do_not_hold(index: Index) -> None:
    path = write_calibration(index, calibrate(index, questions()))
    path.write_text(json.dumps({**json.loads(path.read_text()), "weight_hash": "another"}))
    assert index.refusal_thresholds() == {}


def test_a_damaged_file_is_named_and_passed_over(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    (index.path / NAME).write_text('{"judges": [')
    assert index.refusal_thresholds() == {}
    assert "refusal.json is damaged" in caplog.text


def test_no_more_of_the_answerable_are_refused_than_allowed() -> None:
    answerable, others = np.linspace(0.2, 0.9, 100), np.linspace(0.1, 0.6, 100)
    strict, loose = (choose_threshold("lexical", answerable, others, share) for share in (0.05, 0.3))
    assert strict.wrongly_refused <= 0.05 < loose.wrongly_refused <= 0.3
    assert strict.rightly_refused < loose.rightly_refused


def test_marked_questions_count_before_sources_that_are_taken_out(index: Index) -> None:
    marked = [
        Labelled(question=f"Who painted the {place}?") for place in PLACES + [f"old {p}" for p in PLACES]
    ]
    (found,) = calibrate(index, [*questions(), *marked])
    assert found.unanswerable == len(marked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (questions()[:5], "5 answerable questions are too few; give at least 20"),
        ([Labelled(question="Where?", sources=("moon.txt",))] * 20, "'moon.txt', the source of 'Where\\?'"),
    ],
)
def test_questions_that_cannot_calibrate_are_told(index: Index, asked: list[Labelled], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        calibrate(index, asked)
