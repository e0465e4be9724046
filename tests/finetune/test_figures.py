"""A run's figures: each step in metrics.jsonl, a picture of the loss, memory foretold and measured, reporters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from finetune import TrainConfig, TrainResult, train
from finetune.curve import draw_curve
from finetune.memory_use import PeakMemory
from finetune.metrics_log import MetricsLog, read_metrics
from finetune.planning import plan_run
from finetune.reporters import check_reporters
from finetune.schema import Example, Prediction
from finetune.steps import all_steps, epoch_steps, scoring_interval
from finetune.told import StepFigures

Make = Callable[..., TrainConfig]


@pytest.fixture(scope="module")
def watched(
    tiny_llama: Path, rows: list[Example], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainResult, list[StepFigures], list[str]]:
    """A run with everything that looks at it."""
    steps: list[StepFigures] = []
    said: list[str] = []
    out = tmp_path_factory.mktemp("watched") / "adapter"
    fixed = {"max_steps": 6, "eval_steps": 2, "learning_rate": 1e-2, "general": "none", "metric_rows": 0}
    result = train(
        rows,
        TrainConfig(model=str(tiny_llama), out=str(out), **fixed),  # type: ignore[arg-type]
        say=said.append,
        on_step=steps.append,
        predict=lambda config, longest: Prediction(
            gib=longest / 10, low_gib=1.0, high_gib=9.0, of="in tensors"
        ),
    )
    return result, steps, said


def test_each_step_is_told_and_written_down(
    watched: tuple[TrainResult, list[StepFigures], list[str]],
) -> None:
    result, steps, _ = watched
    lines = read_metrics(Path(result.path) / "metrics.jsonl")
    learned = [line for line in lines if "loss" in line]
    assert [line["step"] for line in learned] == [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [line["loss"] for line in learned] == list(result.losses)
    assert set(learned[0]) == {"step", "loss", "learning_rate", "grad_norm", "tokens", "seconds"}
    assert all(line["tokens"] > 20 and line["seconds"] > 0 and line["grad_norm"] > 0 for line in learned)
    assert [line["step"] for line in lines if "held_out_loss" in line] == [2, 4, 6]


def test_the_curve_shows_both_losses(watched: tuple[TrainResult, list[StepFigures], list[str]]) -> None:
    picture = Path(watched[0].path) / "loss.svg"
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    words = picture.read_text("utf-8")
    assert "held-out rows" in words and "learned rows, smoothed" in words


def test_the_predicted_peak_is_told_before_the_run_and_stands_beside_the_measured_one(
    watched: tuple[TrainResult, list[StepFigures], list[str]],
) -> None:
    result, _, said = watched
    memory = result.card.memory
    assert said[0].startswith("predicted peak ") and said[0].endswith(" GiB (1 to 9) in tensors")
    assert (memory["low_gib"], memory["high_gib"]) == (1.0, 9.0) and memory["predicted_gib"] > 1
    if sys.platform == "linux":
        assert 0 <= memory["measured_gib"] < 2


@pytest.mark.skipif(sys.platform != "linux" or torch.cuda.is_available(), reason="reads Linux's /proc")
def test_the_growth_of_the_process_is_its_peak() -> None:
    memory = PeakMemory()
    memory.begin()
    held = torch.ones(64, 2**20)  # a quarter of a GiB, touched
    del held
    measured = memory.gib()
    assert measured is not None and 0.24 < measured < 0.4


def test_steps_after_a_checkpoint_are_taken_out_before_they_are_done_again(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for step in range(5):
        log.add({"step": step, "loss": 1.0})
    with log.file.open("a") as stream:
        stream.write('{"step": 5, "lo')  # torn by a crash
    log.cut(3)
    assert [line["step"] for line in read_metrics(log.file)] == [0, 1, 2, 3]
    assert read_metrics(tmp_path / "nothing.jsonl") == []


def test_without_its_library_the_picture_is_left_out_with_a_line(
    config: Make, rows: list[Example], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs matplotlib \(pip install matplotlib\)"):
        draw_curve([], 0, tmp_path / "loss.svg")
    result = train(rows, config(max_steps=1))
    assert "loss.svg is not drawn: it needs matplotlib (pip install matplotlib)" in result.notes


def test_a_reporter_that_is_unknown_or_not_installed_is_told_before_the_run(
    config: Make, rows: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="Unknown --report-to 'tensorbord'; choose one of"):
        train(rows, config(report_to=("tensorbord",)))
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match="--report-to mlflow needs.*pip install mlflow"):
        check_reporters(["mlflow"])


def test_tensorboard_hears_of_the_run(
    config: Make, rows: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(Path(config().out).parent)
    result = train(rows, config(max_steps=2, report_to=("tensorboard",)))
    assert list(Path(result.path).glob("runs/*/events.out.tfevents.*"))
    assert not Path("runs").exists()


def test_a_plan_counts_the_steps_that_a_run_then_makes(config: Make, rows: list[Example]) -> None:
    plan = plan_run(rows, config(max_steps=None, epochs=2.0, batch_size=5, eval_steps=2, general=None))
    assert (plan.rows, plan.held_out, plan.general) == (12, 2, 60)
    assert (plan.epoch_steps, plan.steps, plan.scored_every) == (3, 6, 2)
    assert train(rows, config(max_steps=None, epochs=2.0, batch_size=5)).steps == 6


def test_held_out_rows_are_scored_a_few_times_an_epoch() -> None:
    config = TrainConfig(model="m", out="o", batch_size=4, accumulation=2)
    assert (epoch_steps(801, config), all_steps(801, config)) == (101, 303)
    assert scoring_interval(801, config) == 25
    assert scoring_interval(40, config) == 10
    assert scoring_interval(40, TrainConfig(model="m", out="o", eval_steps=3)) == 3
