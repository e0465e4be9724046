"""A reader learns to mark answers, says when there is none, and comes back as it was."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_encoders import bert, roberta

from finetune import (
    TrainConfig,
    TrainingInterrupted,
    TrainResult,
    load_classifier,
    load_generator,
    load_span_reader,
    train,
)
from finetune.combine import combine_adapters
from finetune.merge import merge_adapter
from finetune.schema import Example

PEOPLE = ("anna", "boris", "clara", "david", "emil", "frida")
FILLING = "the river is deep . the hill is cold . "


def asked(question: str, context: str, answer: str = "", split: str = "train") -> Example:
    start = context.index(answer) if answer else 0
    answers = ((start, start + len(answer)),) if answer else ()
    return Example(question=question, context=context, answers=answers, split=split)


def rows(split: str = "train") -> list[Example]:
    """Who built something, who owns something, and twice what nothing is said of."""
    found = []
    for one, other in zip(PEOPLE, PEOPLE[1:] + PEOPLE[:1], strict=True):
        context = f"{one} built the old mill . {other} owns the bridge ."
        found += [
            asked("who built the mill ?", context, one, split),
            asked("who owns the bridge ?", context, other, split),
            asked("where is the clock ?", context, split=split),
        ]
    return found


ROWS = [*rows(), *rows("test")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert(tmp_path_factory.mktemp("encoders") / "bert")


def settings(folder: Path, out: Path, **changes: Any) -> TrainConfig:
    fixed: dict[str, Any] = {
        "model": str(folder), "objective": "span_qa", "method": "full", "out": str(out), "batch_size": 6,
        "max_steps": 120, "learning_rate": 5e-3, "max_length": 64, "patience": 0,
        "save_steps": 1000, "eval_steps": 1000, "allow": ("leakage",),
    }  # fmt: skip
    return TrainConfig(**{**fixed, **changes})


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(ROWS, settings(folder, tmp_path_factory.mktemp("span_qa") / "reader"))


@pytest.fixture(scope="module")
def adapter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    out = tmp_path_factory.mktemp("span_qa") / "adapter"
    return train(ROWS, settings(folder, out, method="lora", lora_rank=8, max_steps=12))


def test_a_handful_of_rows_is_learned_by_heart(trained: TrainResult) -> None:
    before, after = trained.card.metrics_before, trained.card.metrics_after
    assert after["em"] == after["f1"] == after["answerable_f1"] == 1.0 > before["em"]
    assert after["unanswerable_share"] == pytest.approx(1 / 3) and after["held_out_rows"] == 18
    assert "training rows: 12 with an answer, 6 without, in 18 windows" in trained.notes
    gain = trained.card.gains["f1"]
    assert gain["difference"] == pytest.approx(after["f1"] - before["f1"]) and gain["rows"] == 18
    assert set(trained.card.gains) == {"em", "f1", "loss"}


def test_the_stored_reader_answers_and_says_where(trained: TrainResult, folder: Path) -> None:
    reader = load_span_reader(str(folder), trained.path)
    passages = ["the river is deep .", "boris built the old mill . clara owns the bridge ."]
    (found,) = reader.read("who owns the bridge ?", passages)
    assert (found.text, found.passage) == ("clara", 1)
    assert passages[1][found.start : found.end] == "clara" and found.score > reader.threshold
    assert reader.read("where is the clock ?", passages[1:]) == []
    assert reader.read("who owns the bridge ?", []) == []
    with pytest.raises(ValueError, match="question is empty"):
        reader.read(" ", passages)


def test_several_answers_come_best_first_and_a_threshold_may_be_given(
    trained: TrainResult, folder: Path
) -> None:
    reader = load_span_reader(str(folder), trained.path)
    passages = [
        "boris built the old mill . clara owns the bridge .",
        "emil built the old mill . frida owns the bridge .",
    ]
    found = reader.read("who built the mill ?", passages, n_best=4, threshold=-100.0)
    assert {(one.text, one.passage) for one in found[:2]} == {("boris", 0), ("emil", 1)}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True) and len(
        found
    ) == 4
    assert reader.read("who built the mill ?", passages, threshold=found[0].score) == []


def test_the_adapter_holds_low_rank_updates_and_the_head(adapter: TrainResult) -> None:
    from safetensors.torch import load_file

    stored = load_file(Path(adapter.path) / "adapter_model.safetensors")
    head = [value.shape for name, value in stored.items() if "classifier" in name]
    assert sorted(map(tuple, head)) == [(2,), (2, 32)]
    assert all("lora_" in name or "classifier" in name for name in stored)


def test_a_run_goes_on_from_a_reader(adapter: TrainResult, folder: Path, tmp_path: Path) -> None:
    went_on = train(ROWS, settings(folder, tmp_path / "a", adapter=adapter.path, method="lora", max_steps=1))
    assert went_on.card.metrics_before == pytest.approx(adapter.card.metrics_after, abs=1e-4)
    assert went_on.card.config["lora_rank"] == 8 and went_on.card.started_from["objective"] == "span_qa"


def test_a_reader_merges_into_its_base(adapter: TrainResult, folder: Path, tmp_path: Path) -> None:
    merged = merge_adapter(adapter.path, tmp_path / "merged")
    assert merged.difference < 1e-4
    before, after = (
        load_span_reader(str(folder), path).read(ROWS[0].question, [ROWS[0].context], threshold=-99.0)
        for path in (adapter.path, merged.path)
    )
    assert after[0].text == before[0].text and after[0].score == pytest.approx(before[0].score, abs=1e-2)


@pytest.mark.parametrize("make", [bert, roberta])
def test_all_weights_may_be_trained_and_tokens_may_be_bytes(make: Any, tmp_path: Path) -> None:
    model = make(tmp_path / "model")
    taught = [*rows()[:6], *rows("test")[:6]]
    result = train(taught, settings(model, tmp_path / "a", max_length=128, learning_rate=2e-3))
    assert result.card.metrics_after["em"] == 1.0
    (found,) = load_span_reader(str(model), result.path).read("who built the mill ?", [taught[0].context])
    assert (found.text, found.start) == ("anna", 0)


def test_long_passages_are_learned_in_windows(folder: Path, tmp_path: Path) -> None:
    long = [
        asked(row.question, FILLING * 4 + row.context, row.context[slice(*row.answers[0])], row.split)
        for row in ROWS
        if row.answers and row.question.startswith("who built")
    ]
    result = train(long, settings(folder, tmp_path / "a", max_length=32, max_steps=80))
    assert "training rows: 6 with an answer, 0 without, in 18 windows" in result.notes
    assert result.card.metrics_after["em"] == 1.0
    passage = long[4].context
    (found,) = load_span_reader(str(folder), result.path).read("who built the mill ?", [passage])
    assert found.text == "emil" and found.start == passage.index("emil") > len(FILLING) * 3


def test_an_interrupted_reader_goes_on_with_the_same_batches(folder: Path, tmp_path: Path) -> None:
    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == 4:  # in the second pass over the rows
            os.kill(os.getpid(), signal.SIGINT)

    def short(name: str, **changes: Any) -> TrainConfig:
        return settings(folder, tmp_path / name, max_steps=7, **changes)

    with pytest.raises(TrainingInterrupted):
        train(ROWS, short("a"), tell)
    whole = train(ROWS, short("b"))
    resumed = train(ROWS, short("a", resume=True))
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    assert resumed.card.metrics_after == pytest.approx(whole.card.metrics_after, abs=1e-5)


def test_dev_rows_choose_the_weights_and_the_threshold(folder: Path, tmp_path: Path) -> None:
    dev = [asked("where is the clock ?", row.context, split="dev") for row in rows()[::3]]
    chosen = train(
        [*ROWS, *dev],
        settings(folder, tmp_path / "a", max_steps=40, eval_steps=4, patience=2, stop_on="f1"),
    )
    assert chosen.card.metrics_after["held_out_rows"] == 18
    # To questions that have none, no answer at all is best: a threshold above every score.
    assert chosen.card.metrics_after["f1_at_threshold"] == pytest.approx(1 / 3)
    assert chosen.card.stopped["kept_step"] < 40


def test_wrong_uses_are_refused_in_one_line(
    trained: TrainResult, adapter: TrainResult, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="marks answers in passages and writes none"):
        load_generator(str(folder), trained.path)
    with pytest.raises(ValueError, match="objective 'span_qa'; it gives no labels"):
        load_classifier(str(folder), trained.path)
    with pytest.raises(ValueError, match="Unknown --stop-on 'accuracy'; choose one of"):
        train(ROWS, settings(folder, tmp_path / "a", stop_on="accuracy"))
    with pytest.raises(ValueError, match="is for 'span_qa', which learns a head of its own"):
        labelled = [Example(text="mill", label="a"), Example(text="bridge", label="b")]
        train(
            labelled,
            settings(folder, tmp_path / "a", objective="classify", adapter=adapter.path, method="lora"),
        )
    with pytest.raises(ValueError, match="answer_tokens is 0; it must be at least 1"):
        train(ROWS, settings(folder, tmp_path / "a", answer_tokens=0))
    with pytest.raises(ValueError, match="no new head|predicts labels"):
        train(ROWS, settings(folder, tmp_path / "a", method="features"))


def test_readers_that_went_on_from_one_are_averaged_heads_included(
    folder: Path, adapter: TrainResult, tmp_path: Path
) -> None:
    more = train(
        ROWS, settings(folder, tmp_path / "more", adapter=adapter.path, method="lora", seed=1, max_steps=3)
    )
    parts = [adapter.path, more.path]
    card = combine_adapters(parts, tmp_path / "mean", weights=[1, 3], rule="mean")
    first, second, mean = (
        load_file(Path(part) / "adapter_model.safetensors") for part in (*parts, tmp_path / "mean")
    )
    assert any("classifier" in name for name in mean) and mean.keys() == first.keys()
    assert all(torch.allclose(mean[name], 0.25 * first[name] + 0.75 * second[name]) for name in mean)
    thresholds = [one.card.metrics_after["null_threshold"] for one in (adapter, more)]
    assert card.metrics_after == {
        "null_threshold": pytest.approx(0.25 * thresholds[0] + 0.75 * thresholds[1])
    }
    assert [part["weight"] for part in card.config["combined"]] == [0.25, 0.75]
    reader = load_span_reader(str(folder), tmp_path / "mean")
    assert reader.read("who built the mill ?", [ROWS[0].context], threshold=-1e9)


def test_a_mean_is_refused_where_it_would_mean_nothing(
    folder: Path, adapter: TrainResult, trained: TrainResult, tmp_path: Path
) -> None:
    shape = {"method": "lora", "lora_rank": 8, "max_steps": 1}
    stranger = train(ROWS, settings(folder, tmp_path / "stranger", seed=1, **shape))
    narrow = train(ROWS, settings(folder, tmp_path / "narrow", **{**shape, "lora_rank": 4}))
    for other, why in (
        (stranger, "was not trained from the same start"),
        (narrow, "differ in lora_rank"),
        (trained, "is a whole model"),
    ):
        with pytest.raises(ValueError, match=why):
            combine_adapters([adapter.path, other.path], tmp_path / "mean", rule="mean")
    with pytest.raises(ValueError, match="none below 0"):
        combine_adapters([adapter.path] * 2, tmp_path / "mean", rule="mean", weights=[1, -1])
    assert not (tmp_path / "mean").exists()
