"""The adapters that come with the program: whole, as their hashes say, and able to answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rag.domain_readers import SHIPPED, domain_reader
from rag.tuned import read_tuned, shipped

WEIGHTS = {
    "reader": "4177422adb4353636d9a280a49ac087f2cf5f5243e9b1dde0f9e2aa70f2dfcee",
    "reader-finance": "8669ac698d3a69826363a916e31b52c429f2d791b87dca2a705493fb4ae3bec8",
    "reader-medical": "d835b3ae24547c923178ecd64b3b68d6140eb08d04a7e8f3ebb159428c15603e",
}
FERRY = (
    "The ferry Alma crosses the sound at seven. A return ticket costs eleven crowns on weekdays, and children "
    "under six travel free. The harbour was built in 1911 by the engineer Ludvig Thorne."
)
KNOWN = [
    ("How much is a return ticket on weekdays?", "eleven crowns"),
    ("When does the ferry cross the sound?", "seven"),
    ("Who built the harbour?", "Ludvig Thorne"),
    ("In which year was the harbour built?", "1911"),
]


def folder(name: str) -> Path:
    found = shipped(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_weights_are_those_that_were_trained(name: str) -> None:
    data = (folder(name) / "adapter_model.safetensors").read_bytes()
    assert hashlib.sha256(data).hexdigest() == WEIGHTS[name]
    assert len(data) < 3_000_000


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_card_says_what_it_is_and_gained(name: str) -> None:
    tuned = read_tuned(folder(name), "span_qa")
    assert tuned.card["metrics_after"]["f1"] > tuned.card["metrics_before"]["f1"]
    assert tuned.head[0].shape == (2, 384)


@pytest.mark.parametrize(("question", "answer"), KNOWN)
def test_a_known_answer_is_marked(question: str, answer: str) -> None:
    reader = domain_reader("general")
    assert reader is not None
    best = reader.spans(question, [FERRY])[0].best()
    assert best is not None and answer in FERRY[best.start : best.end] and best.end - best.start < 40


def test_a_question_that_the_passage_does_not_answer_scores_below_those_that_it_does() -> None:
    reader = domain_reader("general")
    assert reader is not None
    scores = []
    for question in ("How long is the runway of the airport?", *(asked for asked, _ in KNOWN)):
        best = reader.spans(question, [FERRY])[0].best()
        assert best is not None
        scores.append(best.score)
    assert scores[0] < min(scores[1:])


@pytest.mark.parametrize("domain", SHIPPED)
def test_every_domain_reads(domain: str) -> None:
    reader = domain_reader(domain)
    assert reader is not None and reader.spans(KNOWN[0][0], [FERRY])[0].best() is not None
