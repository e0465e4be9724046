"""`advisor improve`: from thumbs to a better adapter on a small random model, and everything that must not happen."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from apps.cli import main
from apps.feedback import Feedback, add_all_feedback
from apps.feedback_exports import exports
from apps.feedback_sides import is_held_out
from apps.improve import Listeners, improve
from apps.improve_round import Place, places
from apps.improve_wish import Wish
from finetune import TrainingInterrupted, read_card
from finetune.versions import home_of, promote, rollback, versions

QUICK = {"learning_rate": 5e-3, "max_steps": 6, "batch_size": 8, "general": "none"}
Line = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def corrected(numbers: Iterable[int]) -> list[Feedback]:
    """Answers that were disliked and corrected."""
    return [
        Feedback(
            question=f"What is item {n}?", answer="No idea at all.", thumb="down",
            correction=f"Item {n} is blue.", answer_id=f"a{n}",
        )
        for n in numbers
    ]  # fmt: skip


def reversed_where_held_out(rows: list[Feedback]) -> list[Feedback]:
    """People whose taste on the questions that measure is the opposite of that on the others."""
    return [
        replace(row, answer=row.correction or "", correction=row.answer) if is_held_out(row.question) else row
        for row in rows
    ]


def judged(numbers: Iterable[int]) -> list[Feedback]:
    """Answers with a thumb alone."""
    return [
        Feedback(question=f"What is item {n}?", answer=f"Item {n} is blue.", thumb="up", answer_id=f"u{n}")
        if n % 2
        else Feedback(
            question=f"What is item {n}?", answer="No idea at all.", thumb="down", answer_id=f"d{n}"
        )
        for n in numbers
    ]


@pytest.fixture
def wish(tmp_path: Path, tiny_llama: Path) -> Wish:
    return Wish(
        store=str(tmp_path / "feedback.sqlite3"),
        adapter=tmp_path / "adapter",
        model=str(tiny_llama),
        training=QUICK,
    )


@pytest.fixture(scope="module")
def first_round(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> tuple[Path, dict[str, Any]]:
    """A folder with feedback and the adapter that a first round made of it, and the report of that round."""
    folder = tmp_path_factory.mktemp("first")
    store = str(folder / "feedback.sqlite3")
    add_all_feedback(store, corrected(range(70)))
    made = Wish(store=store, adapter=folder / "adapter", model=str(tiny_llama), training=QUICK)
    return folder, improve(made)


@pytest.fixture
def later(first_round: tuple[Path, dict[str, Any]], wish: Wish, tmp_path: Path) -> Wish:
    """A wish for a second round."""
    shutil.copytree(first_round[0], tmp_path, dirs_exist_ok=True)
    return wish


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    """Status and both streams of a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(word) for word in words])
        found = capsys.readouterr()
        return status, found.out, found.err

    return run


def weights(adapter: Path) -> bytes:
    return (adapter / "adapter_model.safetensors").read_bytes()


def kept_report(place: Place) -> dict[str, Any]:
    found = place.read("improve.json")
    assert found is not None
    return found


def test_pairs_make_a_first_adapter_that_moved_towards_the_held_out_corrections(
    first_round: tuple[Path, dict[str, Any]],
) -> None:
    folder, report = first_round
    assert report["promoted"] and (report["kind"], report["version"], report["replaced"]) == ("dpo", 1, None)
    moved = report["compared"]["moved"]
    assert moved["low"] > 0.5 and moved["questions"] >= 10 and report["compared"]["shift"] > 0
    assert kept_report(places(folder / "adapter")[0]) == report
    assert read_card(folder / "adapter").objective == "dpo"
    [marked] = exports(folder / "feedback.sqlite3")
    assert (marked.id, marked.format, marked.rows) == (report["export"], "dpo", report["feedback"]["learned"])
    assert Path(marked.file).is_file()


def test_a_second_round_goes_on_from_the_first_and_rollback_undoes_it(later: Wish, line: Line) -> None:
    flags = ("improve", "--from-feedback", later.store, "--adapter", later.adapter, "--learning-rate", 5e-3)
    more = ("--max-steps", 6, "--batch-size", 8, "--general", "none")
    status, said, _ = line(*flags, *more)
    assert status == 1 and "Not promoted: no new feedback since rounds/0001" in said
    add_all_feedback(later.store, corrected(range(100, 110)))
    before = weights(later.adapter)
    status, said, _ = line(*flags, *more)
    assert status == 0 and "; 10 of them new" in said, said
    assert f"Promoted: version 2 is in {later.adapter}." in said
    assert f"'advisor adapters rollback {later.adapter}' brings it back" in said
    assert read_card(later.adapter).started_from["path"] == str(later.adapter)
    assert line("adapters", "rollback", later.adapter)[0] == 0 and weights(later.adapter) == before


def test_thumbs_without_corrections_are_learned_by_kto(wish: Wish) -> None:
    add_all_feedback(wish.store, judged(range(120)))
    report = improve(wish)
    assert report["promoted"] and report["kind"] == "kto" and report["compared"]["moved"]["low"] > 0.5
    assert [one.change.source for one in versions(wish.adapter) if one.change] == ["rounds/0001"]


def test_what_is_worse_on_held_out_feedback_is_not_promoted_and_nothing_is_lost(later: Wish) -> None:
    before = weights(later.adapter)
    other = replace(later, store=later.store + ".other")
    add_all_feedback(other.store, reversed_where_held_out(corrected(range(200, 270))))
    report = improve(other)
    assert not report["promoted"] and report["why"].startswith("worse on held-out feedback: ")
    assert weights(later.adapter) == before and len(versions(later.adapter)) == 1
    assert (Path(report["candidate"]) / "adapter_card.json").is_file()
    assert kept_report(places(later.adapter)[1])["objections"] == report["objections"]
    again = improve(other)
    assert not again["promoted"] and "no new feedback since rounds/0002" in again["why"]


def test_a_candidate_that_forgot_too_much_is_not_promoted(wish: Wish, tmp_path: Path) -> None:
    general = tmp_path / "general.jsonl"
    rows = [{"question": f"Is {n} even?", "answer": "No idea at all."} for n in range(6)]
    general.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    add_all_feedback(wish.store, corrected(range(70)))
    strict = replace(wish, max_forgetting=0.0, training={**QUICK, "general": str(general)})
    report = improve(strict)
    rise = report["compared"]["forgetting"]["rise"]
    assert rise > 0 and not report["promoted"] and not wish.adapter.exists()
    assert f"forgetting: the loss on general rows is {rise:.3f} nats" in report["why"]


def test_a_better_one_waits_when_told_to_and_is_promoted_later_without_training_again(
    wish: Wish, tmp_path: Path
) -> None:
    questions = tmp_path / "qa.jsonl"
    rows = [{"question": f"What is item {n}?", "answer": f"Item {n} is blue."} for n in range(300, 304)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    add_all_feedback(wish.store, corrected(range(70)))
    shown = improve(replace(wish, promote=False, examples=str(questions)))
    assert not shown["promoted"] and shown["withheld"] and "--no-promote" in shown["why"]
    assert shown["compared"]["task"]["token_f1"]["rows"] == 4 and not wish.adapter.exists()
    made = weights(places(wish.adapter)[0].candidate)
    stages: list[str] = []
    done = improve(
        replace(wish, examples=str(questions)),
        Listeners(progress=lambda stage, done, total: stages.append(stage)),
    )
    assert done["promoted"] and weights(wish.adapter) == made
    assert "train" not in stages and "compare" not in stages


def test_an_interrupted_round_goes_on_with_its_rows_and_ends_as_if_nothing_had_happened(
    wish: Wish, first_round: tuple[Path, dict[str, Any]]
) -> None:
    add_all_feedback(wish.store, corrected(range(70)))

    def stop(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("train", 3):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(
        TrainingInterrupted, match="stopped at step 3 of 6 of rounds/0001.*same command again"
    ):
        improve(wish, Listeners(progress=stop))
    assert places(wish.adapter)[0].begun and not wish.adapter.exists()
    add_all_feedback(wish.store, corrected(range(100, 110)))  # said meanwhile; for the next round
    with pytest.raises(ValueError, match=r"interrupted and differs: max_steps was 6, now 12.*--restart"):
        improve(replace(wish, training={**QUICK, "max_steps": 12}))
    said: list[str] = []
    report = improve(wish, Listeners(say=said.append))
    assert report["promoted"] and said[0] == "going on with rounds/0001, with the 70 rows that it took"
    assert _close(wish.adapter, first_round[0] / "adapter")


def _close(first: Path, second: Path) -> bool:
    from safetensors.torch import load_file

    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (first, second))
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_killed_after_the_promotion_a_round_is_only_written_down(
    later: Wish, first_round: tuple[Path, dict[str, Any]]
) -> None:
    place = places(later.adapter)[0]
    (place.folder / "improve.json").unlink()
    again = improve(later)
    assert again["promoted"] and (again["version"], again["why"]) == (1, first_round[1]["why"])
    assert len(versions(later.adapter)) == 1 and place.ended


def test_an_adapter_that_was_changed_meanwhile_is_not_overwritten_by_an_old_round(later: Wish) -> None:
    promote(shutil.copytree(later.adapter, later.adapter.with_name("other")), later.adapter)
    (later.adapter / "adapter_model.safetensors").write_bytes(_turned(later.adapter))
    add_all_feedback(later.store, corrected(range(100, 110)))
    assert improve(replace(later, promote=False))["withheld"]
    rollback(later.adapter)
    with pytest.raises(ValueError, match=r"another adapter is in place now.*--restart"):
        improve(later)
    assert improve(replace(later, restart=True))["round"] == "rounds/0003"
    assert [one.number for one in versions(later.adapter)] == [1, 2, 3]


def _turned(adapter: Path) -> bytes:
    from safetensors.torch import load_file, save

    stored = load_file(adapter / "adapter_model.safetensors")
    return save({name: -value for name, value in stored.items()}, metadata={"format": "pt"})


def test_a_dry_run_counts_rows_and_steps_and_leaves_nothing(
    wish: Wish, line: Line, tmp_path: Path, tiny_llama: Path
) -> None:
    rows = corrected(range(70))
    add_all_feedback(wish.store, [*rows, rows[0]])
    flags = ("--adapter", wish.adapter, "--model", tiny_llama, "--dry-run", "--epochs", 2)
    status, said, _ = line("improve", "--from-feedback", wish.store, *flags)
    learned = sum(not is_held_out(row.question) for row in rows)
    assert status == 0 and f"dpo on {learned} pairs, {70 - learned} more held out" in said
    assert "1 duplicates: a later thumb on the same answer holds" in said
    assert f"dpo begins from {tiny_llama}" in said and "Nothing was trained (--dry-run)." in said
    assert not exports(wish.store) and not home_of(wish.adapter).exists()
    plan = json.loads(line("improve", "--from-feedback", wish.store, *flags, "--json")[1])
    assert (plan["kind"], plan["new"]) == ("dpo", 70) and plan["steps"] > 0


UP = [Feedback(question=f"Q {n}?", answer=f"A {n}.", thumb="up") for n in range(90)]
AGAINST = [
    Feedback(question=f"Q {n}?", answer="Yes.", thumb=thumb, answer_id=f"{n}{thumb}")
    for n in range(6)
    for thumb in ("up", "down")
]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "There is no feedback in '"),
        (UP, "0 disliked answers (10 needed)"),
        (UP, "Every answer is liked: KTO learns from both"),
        (AGAINST, "None of the 12 rows of feedback can be learned from: 12 × as many people like the answer"),
        (corrected(range(8)), "pairs of answers (40 needed)"),
        (corrected(range(8)), "held-out questions (10 needed)"),
        ([Feedback(question="Q?", answer=" ", thumb="up")], "1 × the answer is empty"),
    ],
)
def test_feedback_that_is_not_enough_is_one_line_and_nothing_is_lost(
    wish: Wish, line: Line, tiny_llama: Path, rows: list[Feedback], said: str
) -> None:
    add_all_feedback(wish.store, rows)
    flags = ("--adapter", wish.adapter, "--model", tiny_llama)
    status, out, error = line("improve", "--from-feedback", wish.store, *flags)
    assert status == 2 and out == "" and error.count("\n") == 1 and said in error, error
    assert not home_of(wish.adapter).exists() and not wish.adapter.exists()


def test_other_mistakes_are_one_line_too(wish: Wish, line: Line, tiny_llama: Path, tmp_path: Path) -> None:
    add_all_feedback(wish.store, corrected(range(70)))
    store = ("improve", "--from-feedback", wish.store)
    begin = (*store, "--adapter", wish.adapter, "--model", tiny_llama)
    for words, said in (
        ((*store, "--adapter", tmp_path / "none"), "or a base with --model to begin from"),
        ((*begin, "--max-forgetting", -1), "--max-forgetting is -1.0; give 0 or more"),
        ((*begin, "--examples", tmp_path / "none.jsonl"), "No examples at"),
        ((*begin, "--objective", "kto"), "there are 54 answers with a thumb (80 needed), 0 liked"),
        ((*begin, "--max-steps", 0), "max_steps is 0; it must be at least 1"),
    ):
        status, out, error = line(*words)
        assert status == 2 and out == "" and error.count("\n") == 1 and said in error, error
    assert not wish.adapter.exists()
