"""Reward models: an encoder and a model that writes learn which answer is better, and score alike when loaded again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from judged_rows import pairs, turn
from tiny_families import build

from finetune import TrainConfig, TrainResult, load_generator, merge_adapter, train
from finetune.encoder import EncoderClassifier
from finetune.reward_model import load_reward_model

ASKED = [
    [turn("user", "Item 3?"), turn("assistant", "3 is blue, thanks.")],
    [turn("user", "Item 3?"), turn("assistant", "3 is blue, ok.")],
    [turn("user", "Who? " * 30), turn("assistant", "Nobody.")],
]


@pytest.fixture(scope="module")
def models(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"bert": build(tmp_path_factory.mktemp("reward") / "bert", "bert"), "qwen2": tiny_qwen2}


@pytest.fixture(scope="module")
def trained(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainResult]:
    """By family and method."""
    found = {}
    for family, method in (("bert", "lora"), ("bert", "full"), ("qwen2", "lora"), ("qwen2", "full")):
        out = tmp_path_factory.mktemp("rewards") / f"{family}-{method}"
        config = TrainConfig(
            model=str(models[family]), out=str(out), method=method, objective="reward", max_steps=16, batch_size=8,
            learning_rate=1e-2, head_learning_rate=1e-2, max_length=64, save_steps=100,
        )  # fmt: skip
        found[f"{family}-{method}"] = train(pairs(), config)
    return found


def test_held_out_pairs_are_told_apart_with_an_interval(trained: dict[str, TrainResult]) -> None:
    for name, result in trained.items():
        assert result.card.metrics_after["accuracy"] >= 0.9, name
        assert result.card.gains["accuracy"].keys() >= {"low", "high", "before", "after"}
        assert result.card.gains["loss"]["high"] < 0 and result.card.forgetting == {}
        metrics = (Path(result.path) / "metrics.jsonl").read_text()
        assert "held_out_accuracy" in metrics or "loss" in metrics


def test_the_better_answer_scores_higher_alone_and_in_company(
    trained: dict[str, TrainResult], models: dict[str, Path]
) -> None:
    for name, result in trained.items():
        judge = load_reward_model(result.path, model=str(models[name.split("-")[0]]))
        scores = judge.score(ASKED)
        assert scores[0] > scores[1] + 0.5, name
        assert [judge.score([one])[0] for one in ASKED] == pytest.approx(scores, abs=1e-4)


def test_a_fresh_process_scores_the_same(trained: dict[str, TrainResult], tmp_path: Path) -> None:
    paths = [result.path for result in trained.values()]
    here = [load_reward_model(path).score(ASKED) for path in paths]
    code = (
        "import json, sys; from finetune.reward_model import load_reward_model; paths, rows = json.loads(sys.argv[1]); "
        "print(json.dumps([load_reward_model(path).score(rows) for path in paths]))"
    )
    command = [sys.executable, "-c", code, json.dumps([paths, ASKED])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout.splitlines()[-1]) == here


def test_a_model_that_writes_is_read_at_the_last_token_of_the_text() -> None:
    class Body(torch.nn.Module):
        config = type("Config", (), {"hidden_size": 1})()

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return type("Output", (), {"last_hidden_state": input_ids.float().unsqueeze(-1)})()

    ids, mask = torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    for reads, wanted in (("last", [7.0, 9.0]), ("mean", [6.0, 8.5])):
        model = EncoderClassifier(Body(), 1, reads=reads)
        assert model.pooled(input_ids=ids, attention_mask=mask)[:, 0].tolist() == wanted


def test_checkpointed_gradients_are_those_of_a_plain_run(models: dict[str, Path], tmp_path: Path) -> None:
    def losses(checkpointing: bool) -> tuple[float, ...]:
        config = TrainConfig(
            model=str(models["qwen2"]), out=str(tmp_path / str(checkpointing)), objective="reward", max_steps=3,
            gradient_checkpointing=checkpointing,
        )  # fmt: skip
        return train(pairs(12), config).losses

    assert losses(True) == pytest.approx(losses(False), abs=1e-5)


def test_what_a_reward_model_is_not_for_is_said_in_one_line(
    trained: dict[str, TrainResult], models: dict[str, Path], tmp_path: Path
) -> None:
    path = trained["qwen2-lora"].path
    with pytest.raises(ValueError, match="scores answers and writes none"):
        load_generator(str(models["qwen2"]), path)
    with pytest.raises(ValueError, match="is a reward model, which keeps its base"):
        merge_adapter(path, tmp_path / "merged")
    with pytest.raises(ValueError, match="Conversation 1 does not end with an answer"):
        load_reward_model(path).score([[turn("user", "Why?")]])
    with pytest.raises(ValueError, match="This adapter was trained on"):
        load_reward_model(path, model=str(models["bert"]))
    config = TrainConfig(model=str(models["qwen2"]), out=str(tmp_path / "x"), objective="reward", replay=0.1)
    with pytest.raises(ValueError, match="a reward model writes no text to forget"):
        train(pairs(12), config)
