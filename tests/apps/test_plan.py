"""From a recommendation to settings: flags win, a plan fills the rest, and what is no plan is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor import Needs, Recommendation, detect_hardware, hardware_with_vram, recommend, to_json
from apps.plan import rag_config, read_plan, train_config
from finetune.methods import METHODS
from rag.schema import RagConfig

TUNED = Needs(gap="behaviour", prompting_tried=True, prompting_sufficient=False, labelled_examples=5000)


def write_plan(folder: Path, needs: Needs = TUNED) -> tuple[str, Recommendation]:
    plan = recommend(hardware_with_vram(24, detect_hardware(cards=False)), None, needs)
    (folder / "plan.json").write_text(to_json(plan), "utf-8")
    return str(folder / "plan.json"), plan


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, plan = write_plan(tmp_path)
    assert to_json(read_plan(path)) == to_json(plan)


def test_training_takes_model_and_method_of_the_best_option_that_trains(tmp_path: Path) -> None:
    path, plan = write_plan(tmp_path)
    best = next(o for o in plan.options if o.method != "none" and o.rejected is None)
    config = train_config(path, {"out": "adapter", "method": None, "json": True})
    assert (config.model, config.method, config.out) == (best.model, best.method, "adapter")


def test_a_plan_to_label_texts_trains_a_classifier_as_its_command_says(tmp_path: Path) -> None:
    path, plan = write_plan(tmp_path, Needs(task="classification", gap="behaviour", labelled_examples=500))
    assert "--objective classify" in plan.next_command
    assert train_config(path, {"out": "adapter"}).objective == "classify"
    assert train_config(write_plan(tmp_path)[0], {"out": "adapter"}).objective == "sft"


def test_a_plan_whose_best_method_cannot_be_run_yet_trains_by_the_nearest_that_can(tmp_path: Path) -> None:
    path, _ = write_plan(tmp_path, Needs(task="classification", gap="behaviour", labelled_examples=60))
    content = json.loads(Path(path).read_text("utf-8"))
    content["options"][0]["method"] = "dpo"
    Path(path).write_text(json.dumps(content), "utf-8")
    assert train_config(path, {"out": "adapter"}).method in METHODS


def test_a_method_that_the_advisor_calls_otherwise_is_trained_under_its_own_name(tmp_path: Path) -> None:
    path, _ = write_plan(tmp_path)
    content = json.loads(Path(path).read_text("utf-8"))
    best = next(o for o in content["options"] if o["method"] != "none" and o["rejected"] is None)
    best["method"] = "ptuning_v2"
    Path(path).write_text(json.dumps(content), "utf-8")
    assert train_config(path, {"out": "adapter"}).method == "p_tuning_v2"


def test_a_flag_wins_over_the_plan(tmp_path: Path) -> None:
    path, _ = write_plan(tmp_path)
    config = train_config(path, {"out": "adapter", "model": "mine", "method": "full", "epochs": 1.0})
    assert (config.model, config.method, config.epochs) == ("mine", "full", 1.0)


def test_a_plan_whose_training_is_rejected_asks_for_flags(tmp_path: Path) -> None:
    path, _ = write_plan(tmp_path)
    content = json.loads(Path(path).read_text("utf-8"))
    for option in content["options"]:
        option["rejected"] = option["rejected"] or "not today"
    Path(path).write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match="recommends no training; give --method and --model"):
        train_config(path, {"out": "adapter"})


def test_without_a_plan_the_model_must_be_named() -> None:
    with pytest.raises(ValueError, match="No model named; give --model"):
        train_config(None, {"out": "adapter"})


def test_index_settings_are_the_defaults_but_for_flags(tmp_path: Path) -> None:
    path, _ = write_plan(tmp_path)
    assert rag_config(path, embedder=None, store="exact") == RagConfig(store="exact")
    assert rag_config() == RagConfig()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"{}", "schema_version None"),
        (b"[]", "schema_version None"),
        (b"no json", "no JSON"),
        (b"\xa0\xff", "is no plan; write one with: advisor recommend --out"),
    ],
)
def test_a_file_that_is_no_plan_is_told(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(ValueError, match=part):
        rag_config(str(tmp_path / "plan.json"))


def test_a_plan_that_is_not_there_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No plan at .*; write one with: advisor recommend"):
        read_plan(str(tmp_path / "plan.json"))
