"""What a model forgets is measured on rows that it did not learn, and a run that forgot too much is set aside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune import TrainConfig, TrainResult, read_card, train
from finetune.forgetting import too_much
from finetune.general_set import general_rows, replay_rows
from finetune.schema import Example

Make = Callable[..., TrainConfig]
PLAIN = TrainConfig(model="m", out="o")


def write(file: Path, rows: list[dict[str, object]]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(file)


def test_the_shipped_rows_are_balanced_and_none_of_them_is_replayed() -> None:
    rows = general_rows(PLAIN)
    assert len(rows) == 60 and all(len(set(row.choices)) == 4 for row in rows)
    questions = [row.example.messages[0]["content"] for row in rows]
    chinese = sum(any("\u4e00" <= sign <= "\u9fff" for sign in question) for question in questions)
    assert 24 <= chinese <= 36
    places = Counter(row.choices.index(row.example.messages[-1]["content"]) for row in rows)
    assert set(places.values()) == {15}
    learned, _ = replay_rows(TrainConfig(model="m", out="o", replay=0.9), taught=10_000)
    assert len(learned) == 40
    assert not {row.messages[0]["content"] for row in learned} & set(questions)


def test_replayed_rows_are_the_asked_for_share_of_all() -> None:
    rows, said = replay_rows(TrainConfig(model="m", out="o", replay=0.2), taught=40)
    assert len(rows) == 10 and said == "10 general rows replayed (20% of what is learned)"
    rows, said = replay_rows(TrainConfig(model="m", out="o", replay=0.5), taught=160)
    assert len(rows) == 40 and "50% were asked for, but there are no more" in said
    assert replay_rows(PLAIN, taught=10) == ([], "")


def test_of_an_own_file_what_is_replayed_is_not_scored(tmp_path: Path) -> None:
    own = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(20)]
    file = write(tmp_path / "own.jsonl", own)
    assert len(general_rows(TrainConfig(model="m", out="o", general=file))) == 20
    both = TrainConfig(model="m", out="o", general=file, replay=0.5)
    scored = {row.example.messages[0]["content"] for row in general_rows(both)}
    learned = {row.messages[0]["content"] for row in replay_rows(both, taught=100)[0]}
    assert len(scored) + len(learned) == 20 and not scored & learned


def test_a_file_that_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.jsonl", [{"text": "a", "label": "b"}])
    with pytest.raises(ValueError, match="holds no questions with answers"):
        general_rows(TrainConfig(model="m", out="o", general=labels))
    lost = write(tmp_path / "lost.jsonl", [{"question": "a?", "answer": "b", "choices": ["c", "d"]}])
    with pytest.raises(ValueError, match="lost.jsonl:1: 'choices' must be a list of answers that holds"):
        general_rows(TrainConfig(model="m", out="o", general=lost))
    with pytest.raises(FileNotFoundError):
        general_rows(TrainConfig(model="m", out="o", general=str(tmp_path / "nowhere.jsonl")))


@pytest.fixture(scope="module")
def forgetful(tiny_llama: Path, rows: list[Example], tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """A run that may not forget, but learns the opposite of what the general rows say; an older one lies at `out`."""
    folder = tmp_path_factory.mktemp("forgetful")
    own = [
        {"question": f"What is item {n}?", "answer": "zz", "choices": ["zz", f"Item {n} is blue."]}
        for n in range(12)
    ]
    settings = {"model": str(tiny_llama), "out": str(folder / "model"), "method": "full"}
    train(rows, TrainConfig(**settings, max_steps=1, general="none"))  # type: ignore[arg-type]
    return train(
        rows,
        TrainConfig(
            **settings,  # type: ignore[arg-type]
            max_steps=40,
            learning_rate=1e-2,
            overwrite=True,
            general=write(folder / "own.jsonl", own),
            max_forgetting=0.05,
        ),
    )


def test_an_adapter_that_forgot_too_much_is_set_aside_and_says_why(forgetful: TrainResult) -> None:
    found = forgetful.card.forgetting
    assert found["rise"] == pytest.approx(found["loss_after"] - found["loss_before"]) and found["rise"] > 0.05
    assert found["rise_low"] <= found["rise"] <= found["rise_high"]
    assert (found["rows"], found["allowed"]) == (12, 0.05) and found["accuracy_after"] == 0
    assert forgetful.path.endswith("model.set-aside")
    assert read_card(forgetful.path) == forgetful.card
    assert "more than --max-forgetting 0.05" in forgetful.card.set_aside
    older = read_card(forgetful.card.config["out"])
    assert older.config["max_steps"] == 1 and not older.set_aside


def test_answers_are_scored_before_and_after(forgetful: TrainResult) -> None:
    gains = forgetful.card.gains
    assert {"exact_match", "token_f1", "rouge_l", "loss"} <= gains.keys()
    assert all(gain["rows"] == 2 for gain in gains.values())
    assert gains["token_f1"]["before"] < gains["token_f1"]["after"]


def test_forgetting_has_no_meaning_for_a_classifier(rows: list[Example]) -> None:
    for setting in ({"max_forgetting": 0.1}, {"replay": 0.1}):
        with pytest.raises(ValueError, match="has no meaning for 'classify'"):
            train(rows, TrainConfig(model="minilm", out="o", objective="classify", **setting))  # type: ignore
    with pytest.raises(ValueError, match="general is 'none'"):
        train(rows, TrainConfig(model="minilm", out="o", general="none", max_forgetting=0.1))


def test_the_gate_is_the_rise_of_the_loss() -> None:
    assert too_much({"rise": 0.2, "allowed": 0.1}).startswith(
        "forgetting: the loss on general rows rose by 0.200"
    )
    assert (
        too_much({"rise": 0.1, "allowed": 0.1})
        == too_much({"rise": 9.0, "allowed": None})
        == too_much({})
        == ""
    )
