"""The loop, typed: corrections of cited answers become an adapter that answers in their place, and it goes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from journeys.conftest import QUESTION, Terminal

from apps.assistant import Answer
from apps.feedback import add_feedback, feedback_on, feedback_store
from apps.settings import load_settings


@pytest.fixture(autouse=True)
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without advisor.toml, and short answers: a random model never ends one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVISOR_MAX_NEW_TOKENS", "8")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def press_thumbs(index: Path, numbers: range) -> None:
    """As the chat keeps them: the question, what was found for it, the answer, and what it should have said."""
    from rag import open_index

    searched, store = open_index(index), feedback_store(load_settings())
    hits = tuple(searched.search(QUESTION, k=1))
    for n in numbers:
        answer = Answer(text="Nobody can say that.", hits=hits, generator="tiny-writer")
        wanted = f"It is thirty days for item {n} [1]."
        row = feedback_on(f"How long may item {n} be returned?", answer, "down", correction=wanted)
        add_feedback(store, row)


def test_corrections_of_cited_answers_lead_to_a_better_adapter_and_back(
    advisor: Terminal, index: Path, writer: Path
) -> None:
    loop = ("improve", "--from-feedback", "--max-steps", 5, "--batch-size", 4, "--learning-rate", 0.005)
    assert "There is no feedback in 'build/feedback.sqlite3' yet" in advisor(*loop, "--model", writer).mistake
    press_thumbs(index, range(60))
    assert "0 up, 60 down, 60 corrections in 60 rows" in advisor("feedback", "list").out
    done = advisor(*loop, "--model", writer, "--max-forgetting", 9)
    assert done.status == 0 and "Promoted: version 1 is in build/adapter." in done.out, done
    assert "forgetting: loss on 60 general rows" in done.out and "Warning" not in done.err
    learned = Path("build/adapter.versions/rounds/0001/learned.jsonl").read_text("utf-8").splitlines()
    prompt = json.loads(learned[0])["prompt"]
    assert "thirty days from the date of delivery" in prompt[-1]["content"]  # what the generator saw

    press_thumbs(index, range(100, 104))
    again = json.loads(advisor(*loop, "--general", "none", "--json").out)
    assert again["promoted"] and (again["new"], again["version"], again["model"]) == (4, 2, str(writer))
    said = advisor("ask", QUESTION, "--index", index, "--adapter", "build/adapter", "--json")
    assert json.loads(said.out)["adapter"] == "build/adapter" and said.err == ""
    listed = advisor("adapters", "list", "build").out.splitlines()
    assert len(listed) == 3 and "version 2, in place: dpo" in listed[2] and "better on held-out" in listed[2]
    assert advisor("adapters", "rollback", "build/adapter").out.startswith("Version 1 is in build/adapter")
    assert advisor("ask", QUESTION, "--adapter", "build/adapter", "--json").status == 0
    assert "nothing" not in advisor("feedback", "undo").out  # the last round's rows count as new again
