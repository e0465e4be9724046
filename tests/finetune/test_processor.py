"""bf16 on a processor is for those that multiply in it, wide models and frozen bases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from finetune.processor import trains_in_bf16
from finetune.schema import TrainConfig


def shape(folder: Path, width: int) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_size": width}), "utf-8")
    return folder


def run(folder: Path, method: str = "lora", objective: str = "sft") -> TrainConfig:
    return TrainConfig(model=str(folder), out="adapter", method=method, objective=objective)


@pytest.mark.parametrize(
    ("method", "objective", "width"),
    [("full", "sft", 4096), ("prefix", "sft", 4096), ("lora", "classify", 4096), ("lora", "sft", 64)],
)
def test_narrow_models_and_other_runs_stay_in_single_precision(
    method: str, objective: str, width: int, tmp_path: Path
) -> None:
    folder = shape(tmp_path / "model", width)
    assert not trains_in_bf16(run(folder, method, objective), folder)


def test_a_wide_lora_run_follows_the_processor(tmp_path: Path) -> None:
    able = torch.cpu._is_amx_tile_supported() and not torch.cuda.is_available()
    folder = shape(tmp_path / "model", 1024)
    assert trains_in_bf16(run(folder), folder) == able
