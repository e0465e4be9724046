"""DPO and KTO from end to end: on top of an adapter, against where they began, resumed and in smaller batches."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from judged_rows import pairs, thumbs
from safetensors.torch import load_file
from torch.nn.modules.module import register_module_forward_pre_hook

from finetune import TrainConfig, TrainingInterrupted, TrainResult, load_generator, read_card, train
from finetune.gathering import Rows
from finetune.preference_loss import answer_logps
from finetune.schema import Example
from finetune.template import encode_row
from finetune.told import Told
from finetune.training import checked_run
from finetune.weights import base_hash, weights_hash

ROWS = {"dpo": pairs, "kto": thumbs}


def conversations() -> list[Example]:
    return [Example(messages=(*row.messages, *row.rejected), line=row.line) for row in pairs(12)]


@pytest.fixture(scope="module")
def sft(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """An adapter that answers plainly."""
    out = tmp_path_factory.mktemp("preferences") / "sft"
    return train(conversations(), settings(tiny_qwen2, out, objective="sft", learning_rate=1e-2, lora_rank=4))


def settings(model: Path, out: Path, **changes: Any) -> TrainConfig:
    given = {"max_steps": 8, "batch_size": 6, "learning_rate": 5e-3, "general": "none", "metric_rows": 0}
    return TrainConfig(model=str(model), out=str(out), **{**given, "save_steps": 100, **changes})


Make = Callable[..., TrainConfig]


@pytest.fixture
def config(tiny_qwen2: Path, tmp_path: Path, sft: TrainResult) -> Make:
    def make(out: str = "tuned", **changes: Any) -> TrainConfig:
        model = changes.pop("model", tiny_qwen2)
        return settings(model, tmp_path / out, **{"adapter": sft.path, **changes})

    return make


@pytest.mark.parametrize("objective", sorted(ROWS))
def test_a_few_steps_on_an_adapter_raise_the_margin_of_held_out_rows(
    objective: str, config: Make, sft: TrainResult, tiny_qwen2: Path
) -> None:
    base, start = base_hash(tiny_qwen2), weights_hash(sft.path)
    result = train(ROWS[objective](), config(objective=objective, max_steps=16))
    before, after = result.card.metrics_before, result.card.metrics_after
    assert before["accuracy"] == 0.5 and before["margin"] == pytest.approx(0, abs=1e-4)
    assert before["loss"] == pytest.approx(math.log(2) if objective == "dpo" else before["loss"], abs=1e-4)
    assert after["accuracy"] > 0.9 and after["margin"] > 0.1 and after["loss"] < before["loss"]
    assert result.card.gains["accuracy"]["low"] > 0
    # Shape and method are the adapter's; neither it nor the base was changed.
    assert result.card.config["lora_rank"] == 4
    assert result.card.started_from == {"path": sft.path, "weights": start, "objective": "sft"}
    assert (base_hash(tiny_qwen2), weights_hash(sft.path)) == (base, start)
    # And it is loaded as any adapter that writes.
    assert preferred(tiny_qwen2, result.path) > preferred(tiny_qwen2, sft.path) + 1


def preferred(base: Path, adapter: str) -> float:
    """How much likelier the polite answer to a new question is."""
    generator, example = load_generator(str(base), adapter), pairs(40)[-1]
    said = []
    for ending in (example.chosen, example.rejected):
        row = encode_row(generator.tokenizer, [*example.messages, *ending], 256, generator.stops)
        with torch.no_grad():
            logits = generator.model(torch.tensor([row.input_ids])).logits
        said.append(answer_logps(logits, torch.tensor([row.labels])).item())
    return said[0] - said[1]


def prepared(rows: list[Example], config: TrainConfig, folder: Path) -> tuple[Rows, Any]:
    from finetune.preparing import prepare

    run = checked_run(rows, config)
    folder.mkdir()
    return run, prepare(run, folder, Told())


def test_the_reference_is_what_the_adapter_said_before_the_first_step(
    config: Make, sft: TrainResult, tiny_qwen2: Path, tmp_path: Path
) -> None:
    run, job = prepared(pairs(12), config(objective="dpo"), tmp_path / "run")
    generator = load_generator(str(tiny_qwen2), sft.path)
    for example, row in zip(run.train, job.trainer.train_dataset, strict=True):
        for side, ending in zip(row["reference"], (example.chosen, example.rejected), strict=True):
            tokens = encode_row(generator.tokenizer, [*example.messages, *ending], 256, generator.stops)
            ids, labels = torch.tensor([tokens.input_ids]), torch.tensor([tokens.labels])
            with torch.no_grad():
                assert side == pytest.approx(
                    answer_logps(generator.model(ids).logits, labels).item(), abs=1e-4
                )


def test_without_an_adapter_the_base_is_the_reference_also_of_soft_prompts(
    config: Make, tiny_qwen2: Path, tmp_path: Path
) -> None:
    found = {}
    for method in ("lora", "prefix", "full"):
        given = config(objective="dpo", adapter=None, method=method)
        found[method] = prepared(pairs(12), given, tmp_path / method)[1].trainer.train_dataset[0]["reference"]
    assert found["lora"] == pytest.approx(found["full"], abs=1e-4)
    assert found["prefix"] == pytest.approx(found["full"], abs=1e-4)


def stop_at(step: int) -> Callable[[str, int, int], None]:
    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def weights(folder: str) -> dict[str, torch.Tensor]:
    return load_file(Path(folder) / "adapter_model.safetensors")


@pytest.mark.parametrize("objective", sorted(ROWS))
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    objective: str, config: Make
) -> None:
    rows = ROWS[objective](20)
    whole = train(rows, config("whole", objective=objective))
    with pytest.raises(TrainingInterrupted, match="step 3 of 8"):
        train(rows, config("half", objective=objective), stop_at(3))
    resumed = train(rows, config("half", objective=objective, resume=True))
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    first, second = weights(whole.path), weights(resumed.path)
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    assert resumed.card.metrics_before == whole.card.metrics_before


def test_a_run_does_not_go_on_with_another_adapter_under_it(
    config: Make, tiny_qwen2: Path, tmp_path: Path, sft: TrainResult
) -> None:
    with pytest.raises(TrainingInterrupted):
        train(pairs(20), config(objective="dpo"), stop_at(2))
    other = train(
        conversations(), settings(tiny_qwen2, tmp_path / "other", objective="sft", lora_rank=4, max_steps=1)
    )
    with pytest.raises(ValueError, match="the adapter that it goes on from"):
        train(pairs(20), config(objective="dpo", resume=True, adapter=other.path))


def test_a_batch_that_is_too_large_is_halved_and_learns_the_same(config: Make) -> None:
    whole = train(pairs(20), config("whole", objective="dpo"))
    said: list[str] = []

    def full(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Embedding) and module.training and len(inputs[0]) > 6:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    hook = register_module_forward_pre_hook(full)
    try:
        result = train(pairs(20), config(objective="dpo"), say=said.append)
    finally:
        hook.remove()
    assert "it goes on with 3, accumulated 2 times, so that a step still learns from 6 rows" in said[0]
    assert result.losses == pytest.approx(whole.losses, abs=1e-5)


def test_dev_rows_choose_the_weights_and_are_compared_with_the_reference_too(config: Make) -> None:
    from dataclasses import replace

    splits = ["train"] * 20 + ["dev"] * 4 + ["test"] * 4
    rows = [replace(row, split=split) for row, split in zip(pairs(28), splits, strict=True)]
    result = train(rows, config(objective="dpo", eval_steps=2, stop_on="accuracy"))
    assert result.card.metrics_after["accuracy"] > 0.5
    assert (Path(result.path) / "metrics.jsonl").read_text().count("held_out_margin") >= 3


def test_fine_tuning_goes_on_from_an_adapter_where_it_ended(
    sft: TrainResult, tiny_qwen2: Path, tmp_path: Path
) -> None:
    again = train(
        conversations(),
        settings(tiny_qwen2, tmp_path / "again", objective="sft", adapter=sft.path, max_steps=4),
    )
    assert abs(again.losses[0] - sft.losses[-1]) < 0.3 < sft.losses[0] - again.losses[0]
    assert again.card.metrics_before == pytest.approx(sft.card.metrics_after, abs=1e-4)
    assert read_card(again.path).started_from["objective"] == "sft"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "prefix"}, "method is 'prefix', but the adapter at .* was trained with 'lora'"),
        ({"lora_rank": 8}, "lora_rank is 8, but the adapter at .* was trained with 4; leave it out"),
        ({"objective": "reward"}, "this run is for 'reward', which learns a head of its own"),
        ({"objective": "dpo", "packing": True}, "not packed; leave --packing out"),
        ({"objective": "dpo", "beta": 0.0}, "beta is 0.0; it must be more than 0"),
        ({"objective": "dpo", "preference_loss": "hinge"}, "'hinge'; choose one of"),
        ({"objective": "dpo", "replay": 0.1, "general": None}, "general rows are not judged"),
        ({"objective": "dpo", "desirable_weight": 2.0}, "belongs to the objective 'kto'"),
        ({"objective": "kto"}, "No row fits the objective 'kto': they are preferences; use 'dpo'"),
        ({"adapter": "nowhere"}, "No adapter at 'nowhere'"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_anything_is_loaded(
    changes: dict[str, Any], message: str, config: Make
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        train(pairs(12), config(**{"objective": "dpo", **changes}))
    assert "\n" not in str(caught.value)


def test_an_adapter_of_another_base_is_refused(config: Make, tiny_llama: Path) -> None:
    with pytest.raises(ValueError, match="This adapter was trained on"):
        train(pairs(12), config(objective="dpo", model=str(tiny_llama)))
