"""A run ends early for a reason: no more gain, a loss that is no number, a killed process; and keeps what was good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.modules.module import register_module_forward_hook

from finetune import TrainConfig, train
from finetune.early_stop import since_best
from finetune.metrics_log import read_metrics
from finetune.run_folder import checkpoint, unfinished
from finetune.schema import Example
from finetune.stopping import Diverged

Make = Callable[..., TrainConfig]


def strange(rows: list[Example]) -> list[Example]:
    """Held-out rows that have nothing to do with those that are learned."""
    turns = ({"role": "user", "content": "9?"}, {"role": "assistant", "content": "qqq zz 7 §§ xx"})
    return [*(row for row in rows if row.split == "train"), *[Example(messages=turns, split="dev")] * 2]


def test_a_run_that_no_longer_gains_stops_and_keeps_its_best_weights(
    config: Make, rows: list[Example]
) -> None:
    result = train(strange(rows), config(max_steps=200, eval_steps=2, patience=3, learning_rate=3e-2))
    scored = {
        line["step"]: line["held_out_loss"]
        for line in read_metrics(Path(result.path) / "metrics.jsonl")
        if "held_out_loss" in line
    }
    best = min(scored, key=lambda step: scored[step])
    assert result.card.stopped == {"step": best + 6, "of": 200, "kept_step": best}
    assert result.steps == best + 6 == max(scored)
    assert result.card.metrics_after["loss"] == pytest.approx(scored[best], abs=1e-5)
    assert f"stopped early at step {best + 6} of 200: no gain in 3 scorings" in result.notes
    assert any(f"step {best} are kept" in line and "a little favourable" in line for line in result.notes)


def test_dev_rows_choose_where_test_rows_are_scored(config: Make, rows: list[Example]) -> None:
    scored = [replace(row, split="test") for row in rows if row.split == "dev"]
    before = train([*rows[:12], *scored], config(max_steps=1, out=config().out + "2"))
    result = train([*strange(rows), *scored], config(max_steps=60, eval_steps=2, learning_rate=3e-2))
    lines = read_metrics(Path(result.path) / "metrics.jsonl")
    dev = {line["step"]: line["held_out_loss"] for line in lines if "held_out_loss" in line}
    assert result.card.stopped["kept_step"] == min(dev, key=lambda step: dev[step]) < result.steps < 60
    assert result.notes[-1].endswith("are kept: they scored best on the 'dev' rows")
    assert result.card.metrics_before == pytest.approx(before.card.metrics_before)
    assert result.card.metrics_after["loss"] < min(dev.values())


@pytest.mark.parametrize(("method", "rate"), [("prefix", 0.5), ("p_tuning", 0.05), ("full", 0.05)])
def test_the_best_weights_come_back_whatever_was_trained(
    method: str, rate: float, config: Make, rows: list[Example]
) -> None:
    watched = {"method": method, "virtual_tokens": 4, "patience": 0, "max_steps": 8, "eval_steps": 2}
    result = train(strange(rows), config(**watched, learning_rate=rate))
    lines = read_metrics(Path(result.path) / "metrics.jsonl")
    best = min(line["held_out_loss"] for line in lines if "held_out_loss" in line)
    assert result.card.metrics_after["loss"] == pytest.approx(best, abs=1e-5)
    assert result.card.stopped["kept_step"] < 8


def test_without_patience_a_run_goes_to_its_end_and_still_keeps_the_best(
    config: Make, rows: list[Example]
) -> None:
    result = train(strange(rows), config(max_steps=30, eval_steps=5, patience=0, learning_rate=3e-2))
    assert result.steps == 30 and result.card.stopped["kept_step"] < 30


def test_the_best_scoring_is_the_first_of_equals_and_never_no_number() -> None:
    assert since_best([], greater=False) == 0
    assert since_best([3.0, 2.0, 2.0, float("nan")], greater=False) == 2
    assert since_best([0.5, 0.9, 0.7], greater=True) == 1


@contextmanager
def broken_from(call: int) -> Iterator[None]:
    """From the given forward pass of the training on, the first layer gives no numbers."""
    calls = 0

    def spoil(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor | None:
        nonlocal calls
        if isinstance(module, torch.nn.Embedding) and module.training:
            calls += 1
            return output * float("nan") if calls > call else None
        return None

    hook = register_module_forward_hook(spoil)
    try:
        yield
    finally:
        hook.remove()


def test_a_loss_that_is_no_number_ends_the_run_with_the_weights_before_it(
    config: Make, rows: list[Example]
) -> None:
    with broken_from(5), pytest.raises(Diverged, match="at step 5: its loss is nan") as caught:
        train(rows, config())  # the first pass is that of the longest rows
    said, kept = str(caught.value), unfinished(Path(config().out)) / "checkpoint-4"
    assert f"kept in '{kept}'" in said and "--learning-rate (0.001 in place of 0.01)" in said
    assert "\n" not in said
    (file,) = kept.glob("*.safetensors")
    assert all(bool(weights.isfinite().all()) for weights in load_file(file).values())
    assert checkpoint(Path(config().out)) == kept


KILLED = """
import os, signal, sys
from finetune import TrainConfig, load_examples, train
def tell(stage, done, total):
    if stage == "train" and done == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
settings = dict(max_steps=8, learning_rate=1e-2, lora_dropout=0.1, save_steps=3, eval_steps=2)
off = dict(general="none", metric_rows=0)
train(load_examples(sys.argv[1]), TrainConfig(model=sys.argv[2], out=sys.argv[3], **settings, **off), tell)
"""


def test_a_killed_run_ends_as_an_uninterrupted_one(
    config: Make, rows: list[Example], tiny_llama: Path, tmp_path: Path
) -> None:
    same = {"lora_dropout": 0.1, "save_steps": 3, "eval_steps": 2}
    file, out = tmp_path / "rows.jsonl", tmp_path / "killed"
    file.write_text("".join(json.dumps({"messages": r.messages, "split": r.split}) + "\n" for r in rows))
    command = [sys.executable, "-c", KILLED, str(file), str(tiny_llama), str(out), "5"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert len(read_metrics(unfinished(out) / "metrics.jsonl")) > 4
    whole = train(rows, config(out=str(tmp_path / "whole"), **same))
    resumed = train(rows, config(out=str(out), resume=True, **same))
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    assert resumed.card.metrics_after == pytest.approx(whole.card.metrics_after, abs=1e-5)
    assert resumed.card.stopped == whole.card.stopped
    lines = [read_metrics(Path(one.path) / "metrics.jsonl") for one in (resumed, whole)]
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]]


def test_a_stopped_run_that_was_out_of_patience_stays_stopped(config: Make, rows: list[Example]) -> None:
    settings = {"max_steps": 200, "eval_steps": 2, "patience": 2, "learning_rate": 3e-2}

    def die(stage: str, done: int, total: int) -> None:
        if stage == "save":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(strange(rows), config(**settings), die)
    resumed = train(strange(rows), config(resume=True, **settings))
    whole = train(strange(rows), config(out=config().out + "2", **settings))
    assert resumed.steps == whole.steps and resumed.card.stopped == whole.card.stopped
    assert resumed.card.metrics_after == pytest.approx(whole.card.metrics_after, abs=1e-5)
