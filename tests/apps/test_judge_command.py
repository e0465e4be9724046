"""`advisor judge` as it is typed: a tiny model draws, a server judges, and the pairs are read by training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from judging_fakes import chat_server, prefers_short

from apps.feedback import Feedback, add_feedback
from finetune import load_examples

RunLine = Callable[..., str]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_MAX_NEW_TOKENS", "12")
    monkeypatch.chdir(tmp_path)  # no advisor.toml of somebody else
    path = tmp_path / "questions.txt"
    path.write_text("What is item 1?\nWhat is item 2?\n")
    return path


def test_answers_are_drawn_judged_and_written_as_pairs(
    asked: Path, tiny_llama: Path, run_line: RunLine, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "pairs.jsonl"
    with chat_server(prefers_short) as url:
        line = f"judge {asked} --model {tiny_llama} --judge {url} --judge-model big --out {out} --samples 3"
        said = run_line(f"{line} --temperature 1.5")
        report = json.loads(run_line(f"{line} --temperature 1.5 --json"))["report"]
    assert "2 questions · 6 comparisons · judge big" in said and f"pairs in {out}" in said
    pairs = load_examples(out)
    assert len(pairs) == report["pairs"] > 0 and report["order_biased"] == 0.0
    assert [turn["role"] for turn in pairs[0].messages] == ["system", "user"]
    assert all(len(row.chosen[0]["content"]) < len(row.rejected[0]["content"]) for row in pairs)
    said = run_line(f"judge {asked} --model {tiny_llama} --judge {tiny_llama} --out {out} --samples 2", 2)
    assert said.splitlines()[-1].endswith(
        f"'{out}' holds pairs of the judge 'big' or of other principles; name another --out."
    )
    assert load_examples(out) == pairs


def test_a_judge_that_is_silent_or_talks_nonsense_gets_one_line_and_loses_nothing(
    asked: Path, tiny_llama: Path, run_line: RunLine, tmp_path: Path
) -> None:
    out = tmp_path / "pairs.jsonl"
    with chat_server(lambda content: "Bananas!") as url:
        line = f"judge {asked} --model {tiny_llama} --judge {url} --out {out} --samples 2 --temperature 1.5"
        said = run_line(line, status=2).splitlines()[-1]
    assert "gave no verdict in 2 of 2 comparisons (the last reply: 'Bananas!')" in said
    assert f"Kept beside '{out}': 2 answers and verdicts (0 new) and 0 pairs" in said
    with chat_server(prefers_short) as url:
        found = json.loads(
            run_line(
                f"judge {asked} --model {tiny_llama} --judge {url} --out {out} --samples 2 --temperature 1.5 --json"
            )
        )
    assert found["report"]["pairs"] == len(load_examples(out)) > 0


def test_agreement_with_people_is_shown(run_line: RunLine, tmp_path: Path) -> None:
    store = tmp_path / "feedback.sqlite3"
    for question in ("When?", "Why?"):
        add_feedback(store, Feedback(question=question, answer="Nine.", thumb="up"))
        add_feedback(store, Feedback(question=question, answer="At nine, I guess.", thumb="down"))

    def say(content: str) -> str:
        return prefers_short(content) if '"A"' in content else "Verdict: up"

    with chat_server(say) as url:
        said = run_line(f"judge --judge {url} --agreement {store}")
    assert "agreement with people on thumbs: equal in 50% of 4" in said
    assert "agreement with people on pairs: equal in 100% of 2" in said and "kappa" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("judge --judge http://localhost:1/v1", "Nothing to judge"),
        ("judge {asked} --judge http://localhost:1/v1", "--out is missing"),
        ("judge none.txt --judge http://localhost:1/v1 --model m --out p", "No questions at 'none.txt'"),
        ("judge {asked} --judge http://localhost:1/v1 --out p", "give --model NAME"),
        ("judge {asked} --judge none/such --model m --out p", "none/such"),
        ("judge {asked} --judge http://localhost:1/v1 --out p --principles none.txt", "No principles at"),
        ("judge {asked} --judge http://localhost:1/v1 --out p --temperature 0", "temperature is 0.0"),
        ("judge {asked} --judge http://localhost:1/v1 --out p --max-unread 3", "--max-unread is 3.0"),
        ("judge {asked} --judge http://localhost:1/v1 --out {asked}", "was not written by 'advisor judge'"),
        ("judge --judge http://localhost:1/v1 --agreement none.sqlite3", "feedback"),
        ("judge {asked} --out p", "--judge"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_one(
    asked: Path, run_line: RunLine, line: str, said: str
) -> None:
    found = run_line(line.format(asked=asked), status=2)
    assert said in found and found.count("\n") == 1
    assert asked.read_text() == "What is item 1?\nWhat is item 2?\n"
