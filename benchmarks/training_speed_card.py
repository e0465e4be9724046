"""The runs of `training_speed.py --card`: catalogued shapes of 1 to 8 billion weights on a GPU, beside trl; needs CUDA.

Weights are random, as in memory_card.py, which makes the model folders: neither time nor memory depends on them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from measured import Row, in_process
from memory_card import save_random_model
from training_base import conversations

TITLE = "Fine-tuning beside trl, on a card"
METHODS = ("lora", "qlora")
PROGRAMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("this program, batch 8", "ours", {"batch_size": 8}),
    ("trl, defaults (batch 8)", "trl", {}),
    (
        "trl, by hand: grouped by length",
        "trl",
        {"train_sampling_strategy": "group_by_length"},
    ),
)
STEPS, WARM = 30, 5
ROWS = STEPS * 8


def measure(models: Sequence[str]) -> list[tuple[str, str, str, Row]]:
    """Model, method, program and what its run left; one that fails leaves its reason."""
    found = []
    learned = conversations("medical_en/medquad_qa_train.jsonl.gz", ROWS)
    with tempfile.TemporaryDirectory() as place:
        for model in models:
            folder = Path(place) / model.replace("/", "--")
            save_random_model(model, folder)
            for method in METHODS:
                for label, who, settings in PROGRAMS:
                    given = {
                        "who": who, "settings": settings, "folder": str(folder), "out": f"{place}/adapter",
                        "method": method, "rate": 1e-4, "rows": learned, "held_out": learned[:2], "scored": False,
                        "every": 1.0, "most_steps": STEPS, "max_length": 1024, "card": True,
                    }  # fmt: skip
                    row = _tried(given, Path(place) / "given.json")
                    print(
                        model, method, label, {name: row[name] for name in row if name != "times"}, flush=True
                    )
                    found.append((model, method, label, row))
                    shutil.rmtree(f"{place}/adapter", ignore_errors=True)
            shutil.rmtree(folder)
    return found


def _tried(given: dict[str, Any], path: Path) -> Row:
    path.write_text(json.dumps(given), "utf-8")
    try:
        return in_process("training_contestant.py", {"file": str(path)}, threads=8)
    except RuntimeError as failed:
        return {"error": str(failed).strip().splitlines()[-1][:120]}


def step_s(row: Row) -> float:
    """Median seconds of a step, without the first ones."""
    times = row["times"]
    return median(after - before for before, after in zip(times[WARM:-1], times[WARM + 1 :], strict=True))


def tokens_s(row: Row) -> float:
    """Supervised tokens a second over the steps after the first ones; those of a step are the mean of all."""
    per_step = row["supervised"] / row["steps"]
    return float(per_step * (row["steps"] - WARM) / (row["times"][-1] - row["times"][WARM - 1]))


def table(found: Sequence[tuple[str, str, str, Row]]) -> list[str]:
    lines = [
        "| model | method | program | supervised tokens/s | times trl's defaults | s a step | padding % | peak GiB "
        "| predicted | reserved GiB |",
        "|---|---|---|" + "---:|" * 7,
    ]
    theirs = {
        (model, method): tokens_s(row)
        for model, method, label, row in found
        if label == PROGRAMS[1][0] and "error" not in row
    }
    for model, method, label, row in found:
        start = f"| {model.split('/')[-1]} | {method} | {label} "
        if "error" in row:
            lines.append(f"{start}| {row['error']} | | | | | | |")
            continue
        speed, other = tokens_s(row), theirs.get((model, method))
        predicted = row.get("memory", {}).get("predicted_gib")
        lines.append(
            f"{start}| {speed:,.0f} | {f'{speed / other:.2f}' if other else ''} | {step_s(row):.2f} "
            f"| {row['padding']:.0f} | {row['allocated_gib']:.2f} | {f'{predicted:.2f}' if predicted else ''} "
            f"| {row['reserved_gib']:.2f} |"
        )
    return [*lines, ""]


def report(models: Sequence[str]) -> str:
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("No CUDA card is here; leave --card out to measure on the processor.")
    lines = [
        f"## {TITLE}",
        "",
        f"Random weights in the shapes of these models, bf16, {STEPS} steps of batch 8 on MedQuAD in a tokenizer of",
        "single letters, rows cut at 1,024 tokens. Peak of the tensors, with what `advisor` said before.",
        "Made by `benchmarks/training_speed.py --card`.",
        "",
        *table(measure(models)),
    ]
    return "\n".join([*lines, f"Card: {torch.cuda.get_device_name()}; {time.strftime('%Y-%m-%d')}."])
