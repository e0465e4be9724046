"""The flags of single methods reach the run, and each names a setting that exists."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from apps.commands.method_flags import add_method_flags
from finetune.schema import TrainConfig


def test_every_flag_is_a_setting() -> None:
    parser = argparse.ArgumentParser()
    add_method_flags(parser.add_argument_group("single methods"))
    flags = set(vars(parser.parse_args([])))
    assert flags <= {field.name for field in fields(TrainConfig)} and len(flags) == 14


def test_a_run_of_the_command_takes_them(
    run_line: Callable[..., str], tiny_llama: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"question": f"Item {n}?", "answer": f"{n} is blue."} for n in range(6)]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run_line(
        f"train {file} --model {tiny_llama} --out {tmp_path / 'a'} --method houlsby --bottleneck 5 --max-steps 1 "
        "--general none --metric-rows 0"
    )
    card = json.loads(run_line(f"adapters show {tmp_path / 'a'} --json"))
    assert (card["method"], card["config"]["bottleneck"]) == ("houlsby", 5)
    assert card["trainable_params"] == 2 * 2 * (
        2 * 32 * 5 + 5 + 32
    )  # two for each of two layers, with biases
