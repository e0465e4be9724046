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
    loop = ("improve", "--from-feedback", "--max-steps", 2, "--learning-rate", 0.01, "--general", "none")
    assert "There is no feedback in 'build/feedback.sqlite3' yet" in advisor(*loop, "--model", writer).mistake
    press_thumbs(index, range(56))
    assert "0 up, 56 down, 56 corrections in 56 rows" in advisor("feedback", "list").out
    done = advisor(*loop, "--model", writer)
    assert done.status == 0 and "Promoted: version 1 is in build/adapter." in done.out, done
    assert "Warning" not in done.err
    learned = Path("build/adapter.versions/rounds/0001/learned.jsonl").read_text("utf-8").splitlines()
    prompt = json.loads(learned[0])["prompt"]
    assert "thirty days from the date of delivery" in prompt[-1]["content"]  # what the generator saw
    said = advisor("ask", QUESTION, "--index", index, "--adapter", "build/adapter", "--json")
    assert json.loads(said.out)["adapter"] == "build/adapter" and said.err == ""
    listed = advisor("adapters", "list", "build").out.splitlines()
    assert len(listed) == 2 and "version 1, in place: dpo" in listed[1] and "better on held-out" in listed[1]
    assert (
        "Version 1 of 'build/adapter' replaced none"
        in advisor("adapters", "rollback", "build/adapter").mistake
    )
    assert "count as not exported again" in advisor("feedback", "undo").out
