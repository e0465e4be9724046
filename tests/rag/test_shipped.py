"""The adapters that come with the program: whole, as their hashes say, and able to answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rag import Document, build_index
from rag.domain_readers import SHIPPED, domain_reader
from rag.evidence import reader_for
from rag.rerank import load_reranker
from rag.tuned import read_tuned, shipped

WEIGHTS = {
    "reader": "d8b89e0299685bd9e329ee967e13ba88475e38370c34a135bd32b67b8fd8392e",
    "reader-finance": "9a962e7d8b310e6e9ddfc4d44365ff2b904ee30760feeeca8c7fdb89f27307ab",
    "reader-medical": "7ab4e835d92c0a2e0b28d6c6ac650ce43dd49bc37020358da7f28715d78d9fa9",
}
RERANKER = "61de951ee61b45fa2c01f29462e452b9355a307ec2a015ba5ced5a62b1e5e726"
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
TREATMENT = (
    "Mild cases of harbour fever need rest, plenty of water and a cool room. When the fever lasts longer than three "
    "days, doctors give tablets of velocin twice a day for a week. Children receive half the dose. Nobody should "
    "return to the docks before two weeks have passed without fever."
)
LEAFLET = f"""# Harbour fever

## Treatment

{TREATMENT}

## History

The fever was first described in 1874 by the ship's doctor Edda Kolm, who saw it on three ships in one summer.
"""


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


def test_the_reranker_is_the_one_that_was_trained_and_puts_an_answer_before_its_neighbours() -> None:
    data = (folder("reranker") / "adapter_model.safetensors").read_bytes()
    assert hashlib.sha256(data).hexdigest() == RERANKER and len(data) < 3_000_000
    tuned = read_tuned(folder("reranker"), "rerank")
    assert tuned.card["metrics_after"]["ndcg_at_10"] > tuned.card["metrics_before"]["ndcg_at_10"]
    texts = [
        "The harbour has two cafes and a shop that sells tickets for the museum.",
        FERRY,
        "Children under twelve need a grown-up on the island's beaches.",
    ]
    scores = load_reranker("minilm").scores("How much is a return ticket for the ferry?", texts)
    assert scores.argmax() == 1


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


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What are the treatments for harbour fever?", TREATMENT),
        ("Who first described the fever?", "Edda Kolm"),
    ],
)
def test_one_assistant_answers_with_a_section_where_it_is_asked_for_one_and_in_short_elsewhere(
    tmp_path: Path, question: str, answer: str
) -> None:
    index = build_index([Document(text=LEAFLET, source="fever.md")], tmp_path / "index")
    found = reader_for(index).read(question, index.search(question)).short_answer()
    assert found is not None and found.quote == answer


@pytest.mark.parametrize("domain", SHIPPED)
def test_every_domain_reads(domain: str) -> None:
    reader = domain_reader(domain)
    assert reader is not None and reader.spans(KNOWN[0][0], [FERRY])[0].best() is not None
