"""A classifier on the true MiniLM weights learns, is scored honestly, and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from finetune import TrainConfig, TrainResult, load_classifier, load_generator, train
from finetune.schema import Example

TOPICS = {
    "money": ["the bank raised rates", "shares fell", "profit grew", "the loan was repaid", "bonds rallied"],
    "food": ["the soup is hot", "bread and butter", "a ripe mango", "she cooked rice", "fresh tomato salad"],
}
PLACES = ["today", "in London", "last week", "again", "at noon", "this year"]
ROWS = [
    Example(text=f"{text} {place}", label=label, split="test" if place == "this year" else "train")
    for label, texts in TOPICS.items()
    for text in texts
    for place in PLACES
]


def settings(out: Path, **changes: object) -> TrainConfig:
    fixed = {"model": "minilm", "objective": "classify", "out": str(out), "batch_size": 10, "max_steps": 12}
    return TrainConfig(**{**fixed, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(ROWS, settings(tmp_path_factory.mktemp("classify") / "topics"))


def test_accuracy_rises_above_the_untrained_head_and_the_majority(trained: TrainResult) -> None:
    before, after = trained.card.metrics_before, trained.card.metrics_after
    assert after["accuracy"] > max(before["accuracy"], after["majority_accuracy"]) + 0.2
    assert after["macro_f1"] > 0.8
    assert after["held_out_rows"] == 10
    assert trained.card.labels == ("food", "money")
    assert trained.notes[-1] == "training rows per label: food 25, money 25"


def test_the_gain_has_an_interval_and_equals_the_difference_of_the_scores(trained: TrainResult) -> None:
    before, after = trained.card.metrics_before, trained.card.metrics_after
    for name in ("accuracy", "macro_f1", "loss"):
        gain = trained.card.gains[name]
        assert gain["difference"] == pytest.approx(after[name] - before[name], abs=1e-6)
        assert gain["low"] <= gain["difference"] <= gain["high"] and gain["rows"] == 10
    assert trained.card.gains["accuracy"]["high"] > 0.4
    assert trained.card.forgetting == {}


def test_a_run_may_stop_on_accuracy(tmp_path: Path) -> None:
    settled = settings(tmp_path / "a", max_steps=40, eval_steps=2, patience=3, stop_on="accuracy")
    result = train(ROWS, settled)
    assert result.steps < 40 and result.card.stopped["kept_step"] == result.steps - 6
    assert result.card.metrics_after["accuracy"] > 0.8


def test_the_saved_classifier_scores_as_the_trained_one(trained: TrainResult) -> None:
    held = [row for row in ROWS if row.split == "test"]
    classifier = load_classifier("minilm", trained.path)
    answers = classifier.classify([row.text for row in held])
    right = sum(label == row.label for (label, _), row in zip(answers, held, strict=True))
    assert right / len(held) == trained.card.metrics_after["accuracy"]
    assert all(0.5 <= share <= 1 for _, share in answers)
    assert classifier.labels == ("food", "money")
    assert classifier.classify([]) == []


def test_the_adapter_holds_the_head_and_low_rank_updates_only(trained: TrainResult) -> None:
    stored = load_file(Path(trained.path) / "adapter_model.safetensors")
    assert {"classifier" in name or "lora_" in name for name in stored} == {True}
    assert sum("classifier" in name for name in stored) == 2
    assert not any("pooler" in name for name in stored)
    assert trained.card.trainable_params == sum(weights.numel() for weights in stored.values())


def test_wrong_bases_and_wrong_uses_are_refused(
    trained: TrainResult, tiny_llama: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="was trained on 'minilm'"):
        load_classifier(str(tiny_llama), trained.path)
    with pytest.raises(ValueError, match="classifies texts and writes none"):
        load_generator(str(tiny_llama), trained.path)
    with pytest.raises(ValueError, match="'minilm' is a bert model|which does not write text"):
        load_generator("minilm")
    with pytest.raises(ValueError, match="needs at least two labels"):
        train([row for row in ROWS if row.label == "food"], settings(tmp_path / "one"))
    with pytest.raises(ValueError, match="does not write text.*--objective classify"):
        train(ROWS, settings(tmp_path / "sft", objective="sft"))


@pytest.mark.parametrize("method", ["full", "qlora"])
def test_the_other_methods_train_a_classifier_too(method: str, tmp_path: Path) -> None:
    result = train(ROWS, settings(tmp_path / method, method=method, max_steps=2))
    assert (result.path, result.steps) == (str(tmp_path / method), 2)
    answers = load_classifier("minilm", result.path).classify(["bread", "shares"])
    assert len(answers) == 2


def test_an_interrupted_classifier_goes_on(tmp_path: Path) -> None:
    import os
    import signal

    from finetune import TrainingInterrupted

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        train(ROWS, settings(tmp_path / "a", max_steps=3), tell)
    whole = train(ROWS, settings(tmp_path / "b", max_steps=3))
    resumed = train(ROWS, settings(tmp_path / "a", max_steps=3, resume=True))
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    assert resumed.card.metrics_after == pytest.approx(whole.card.metrics_after, abs=1e-5)


def test_rows_in_a_language_the_model_cannot_read_are_told(tmp_path: Path) -> None:
    chinese = [Example(text=f"聚焦股价震荡聚焦{n}", label="money") for n in range(3)]
    notes = train([*ROWS, *chinese], settings(tmp_path / "a", max_steps=1)).notes
    assert [note for note in notes if note.startswith("in 3 rows the model's vocabulary lacks most words")]
