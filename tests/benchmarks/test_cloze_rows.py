"""Questions made from documents point at what they ask for, and those without an answer have none in their passage."""

from __future__ import annotations

import pytest
from cloze_rows import cloze_rows
from domain_sets import Asked, DomainSet

from rag import Document, build_index

TEXT = (
    "The mill at Harrow Bridge was built in 1874 by the Penrose family. Its wheel of seven metres drove four stones. "
    "Grain came by barge from Tidewell, a market town eleven miles down the river Orr. In 1921 a fire destroyed the "
    "upper floors, and the owners sold the machines to a brewery in Calder. The county bought the ruin in 1968 and "
    "opened a museum of rural work there eight years later."
)


@pytest.fixture
def made(tmp_path):
    documents = [Document(text=f"{TEXT} Guide {n}.", source=f"mill-{n}.txt") for n in range(30)]
    index = build_index(documents, tmp_path / "index")
    asked = Asked(id="t", text="When?", source="mill-0.txt", golds=("1874",))
    chosen = DomainSet(
        name="mills",
        domain="general",
        documents=documents,
        questions={"train": [], "dev": [], "test": [asked]},
    )
    return cloze_rows(chosen, index, 200)


def test_answers_stand_where_they_are_said_to(made):
    answered = [row for row in made if row["answers"]]
    assert len(answered) > 50
    for row in answered:
        (answer,) = row["answers"]
        start = answer["answer_start"]
        assert row["context"][start : start + len(answer["text"])] == answer["text"]
        assert len(row["question"].split()) >= 5 and row["question"].endswith("?")


def test_a_third_has_no_answer_because_its_sentence_is_gone_or_its_name_is_another(made):
    without = [row for row in made if not row["answers"]]
    assert 0.2 < len(without) / len(made) < 0.5
    shorter = [row for row in without if len(row["context"]) < len(TEXT)]
    assert shorter and len(shorter) < len(without)


def test_documents_of_questions_that_are_held_out_make_no_rows(made):
    assert made and not any(row["id"].startswith("cloze-mill-0.txt-") for row in made)


def test_the_same_documents_make_the_same_rows(made, tmp_path):
    documents = [Document(text=f"{TEXT} Guide {n}.", source=f"mill-{n}.txt") for n in range(30)]
    chosen = DomainSet(name="mills", domain="general", documents=documents, questions={"dev": [], "test": []})
    index = build_index(documents, tmp_path / "again")
    assert cloze_rows(chosen, index, 20) == cloze_rows(chosen, index, 20)
