"""Runs of PPO and GRPO keep the promises of every run: they resume, stop, take less memory, and keep what was good."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from finetune import TrainConfig, TrainingInterrupted, load_generator, train
from finetune.checks import check_config
from finetune.metrics_log import read_metrics
from finetune.ppo.trainer import STATE
from finetune.run_folder import unfinished
from finetune.schema import Example
from finetune.stopping import Diverged

Run = Callable[..., TrainConfig]


def stop_at(step: int) -> Callable[[str, int, int], None]:
    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def weights(folder: str) -> dict[str, torch.Tensor]:
    (file,) = Path(folder).glob("*.safetensors")
    return load_file(file)


def figures(folder: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name != "seconds"}
        for line in read_metrics(Path(folder) / "metrics.jsonl")
    ]


@pytest.mark.parametrize(("objective", "method"), [("ppo", "lora"), ("grpo", "houlsby")])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    objective: str, method: str, run: Run, prompts: list[Example], tmp_path: Path
) -> None:
    same = {"objective": objective, "method": method, "lora_dropout": 0.2}
    whole = train(prompts, run(**same, out=str(tmp_path / "whole")))
    with pytest.raises(TrainingInterrupted, match="step 2 of 4.*--resume to go on"):
        train(prompts, run(**same), stop_at(2))
    kept = load_file(unfinished(Path(run(**same).out)) / "checkpoint-2" / STATE)
    assert ("head.linear.weight" in kept) == (objective == "ppo")
    resumed = train(prompts, run(**same, resume=True))
    for one, other in zip(figures(resumed.path), figures(whole.path), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    first, second = weights(whole.path), weights(resumed.path)  # the adapter alone: no value head
    assert first.keys() == second.keys() and not any("head" in name for name in first)
    assert all(torch.allclose(first[name], second[name], atol=1e-5) for name in first)
    assert resumed.card.metrics_after == pytest.approx(whole.card.metrics_after, abs=1e-5)


def test_a_run_shows_and_draws_its_figures_and_compares_before_with_after(
    run: Run, prompts: list[Example]
) -> None:
    shown: list[dict[str, float]] = []
    result = train(prompts, run("grpo"), on_step=lambda step: shown.append(step.more))
    lines = figures(result.path)
    assert [line["reward"] for line in lines] == [more["reward"] for more in shown]
    assert lines[0]["kl"] == pytest.approx(0, abs=1e-6)  # the start is the reference
    assert all(line["ratio"] == pytest.approx(1, abs=1e-6) for line in lines)  # one update for each sampling
    picture = (Path(result.path) / "loss.svg").read_text()
    assert picture.count('<g id="axes_') >= 5
    card = result.card
    assert card.metrics_before["kl"] == pytest.approx(0, abs=1e-6) and card.metrics_after["kl"] != 0
    assert {"before", "after", "low", "high"} <= card.gains["reward"].keys()
    assert card.gains["reward"]["before"] == pytest.approx(card.metrics_before["reward"])
    answered = load_generator(card.base_model, result.path, max_new_tokens=3)
    assert isinstance("".join(answered.stream(prompts[0].messages)), str)


@pytest.mark.parametrize("objective", ["ppo", "grpo"])
def test_the_reward_rises(objective: str, run: Run, prompts: list[Example]) -> None:
    more = {
        "answers_per_step": 64,
        "batch_size": 64,
        "max_steps": 12,
        "answer_tokens": 4,
        "kl_coefficient": 0.0,
    }
    more |= {"method": "output_layer", "learning_rate": 1e-2, "metric_rows": 0}
    more |= {"samples": 4} if objective == "ppo" else {"samples": 8, "minibatches": 2}
    lines = figures(train(prompts, run(objective, **more)).path)
    rewards = [line["reward"] for line in lines]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.1


def test_a_policy_that_goes_too_far_is_stopped_and_the_one_before_kept(
    run: Run, prompts: list[Example], tmp_path: Path
) -> None:
    said: list[str] = []
    far = {"learning_rate": 1e-2, "max_kl": 2.5, "warmup_share": 0.0}  # KL 0, 2.2, 2.8
    result = train(prompts, run(**far), say=said.append)
    kept = result.card.stopped["kept_step"]
    assert 0 < kept < 3 and result.steps == kept and result.card.stopped["of"] == 4
    (line,) = [line for line in said if "--max-kl" in line]
    assert f"more than --max-kl 2.5; the weights of step {kept} are kept" in line and line in result.notes
    until = run(**far, save_steps=1, out=str(tmp_path / "until"))
    with pytest.raises(TrainingInterrupted):  # right before the policy is found to be too far
        train(prompts, until, stop_at(kept + 1))
    near = load_file(tmp_path / "until.unfinished" / f"checkpoint-{kept}" / "adapter_model.safetensors")
    resumed = train(prompts, replace(until, resume=True))
    assert resumed.card.stopped == result.card.stopped
    for name, weight in weights(result.path).items():
        assert torch.equal(near[name], weight) and torch.equal(weights(resumed.path)[name], weight)


@contextmanager
def memory_for(rows: int) -> Iterator[None]:
    """A machine on which a pass with gradients over more answers does not fit."""

    def look(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Embedding) and torch.is_grad_enabled() and inputs[0].shape[0] > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def test_fewer_answers_at_a_time_make_the_same_steps(
    run: Run, prompts: list[Example], tmp_path: Path
) -> None:
    said: list[str] = []
    whole = train(prompts, run(max_steps=1, out=str(tmp_path / "whole")))
    with memory_for(1):
        result = train(prompts, run(max_steps=1), say=said.append)
    assert "memory ran out in training: it goes on with 1 answers at a time" in said
    for one, other in zip(figures(result.path), figures(whole.path), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_a_gradient_that_is_no_number_ends_the_run_with_the_last_good_weights(
    run: Run, prompts: list[Example]
) -> None:
    passes = 0

    def spoil(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor | None:
        nonlocal passes
        if isinstance(module, torch.nn.Embedding) and torch.is_grad_enabled():
            passes += 1
            return output * float("nan") if passes > 6 else None
        return None

    hook = register_module_forward_hook(spoil)
    try:
        with pytest.raises(Diverged, match="--overwrite and a lower --learning-rate"):
            train(prompts, run())
    finally:
        hook.remove()
    (kept,) = unfinished(Path(run().out)).glob("checkpoint-*/adapter_model.safetensors")
    assert all(bool(weight.isfinite().all()) for weight in load_file(kept).values())


def test_rows_of_other_objectives_are_prompts_too_and_long_ones_are_left_out(
    run: Run, prompts: list[Example]
) -> None:
    answered = Example(
        messages=({"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me."})
    )
    long = Example(messages=({"role": "user", "content": "Why? " * 60},))
    config = run(max_steps=1, max_length=64, metric_rows=0, allow=("dropped",))
    result = train([*prompts[:6], answered, long], config)
    assert result.card.rows == 7 and any("1 of 8 rows dropped" in note for note in result.notes)
    assert math.isfinite(result.losses[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reward": None}, "No --reward named"),
        ({"answers_per_step": 6, "samples": 4}, "a step has a whole number of prompts; give a multiple of 4"),
        ({"objective": "grpo", "samples": 1}, "give at least 2"),
        ({"objective": "grpo", "gamma": 0.9}, "gamma belongs to the objective 'ppo'"),
        (
            {"objective": "sft", "samples": None, "minibatches": None, "inner_epochs": None},
            "reward belongs to",
        ),
        ({"accumulation": 2}, "it follows from --answers-per-step"),
        ({"clip": 0.0}, "clip is 0.0; it must be more than 0"),
        ({"kl_coefficient": -1.0}, "kl_coefficient is -1.0; it must be 0 or more"),
        ({"gae_lambda": 1.5}, "gae_lambda is 1.5; it must lie between 0 and 1"),
        ({"reward_scaling": "big"}, r"choose one of \['none', 'standard', 'whiten'\]"),
        ({"answer_tokens": 64}, "question and answer have 64 tokens together"),
        ({"replay": 0.1, "general": None}, "replay has no meaning for 'ppo'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_line(
    changes: dict[str, Any], words: str, run: Run, prompts: list[Example]
) -> None:
    with pytest.raises(ValueError, match=words):
        train(prompts, run(**changes))


def test_several_processes_are_refused_before_anything_is_loaded(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "localhost",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="learns in one process; start it without torchrun"):
        check_config(run())
