"""Fine-tuning beside trl's SFTTrainer: same model, rows, rate and schedule, to the same loss on held-out answers.

On a processor with a small Llama that has read a few public texts; with --card on a GPU, in the shapes of catalogued
models of 1 to 8 billion weights, tokens a second and memory. Finished runs are kept in build/training_speed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from measured import BUILD, Row, Rows, in_process
from results import RESULTS, machine, replace_section, tell
from training_base import DATA, SHAPE, WORDS, conversations, make_base

TITLE = "Fine-tuning beside trl"
FOLDER = BUILD / "training_speed"
CARD_MODELS = (
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
)
RATES = {"lora": 3e-3, "full": 2e-4}
READ = 100  # steps of 8 x 512 tokens in which the base read public texts
HELD_OUT = 48
LENGTH = 1024  # trl's default, and ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A program with the settings that its row names."""

    label: str
    who: str
    settings: dict[str, Any] = field(default_factory=dict)


TRL = Contestant(label="trl SFTTrainer, defaults (batch 8)", who="trl")
OWN = Contestant(label="this program, batch 8", who="ours", settings={"batch_size": 8})
CONTESTANTS = (
    OWN,
    TRL,
    Contestant(label="this program, defaults (batch 4)", who="ours"),
    Contestant(
        label="trl, by hand: grouped by length, no checkpointing", who="trl",
        settings={"train_sampling_strategy": "group_by_length", "gradient_checkpointing": False},
    ),
    Contestant(
        label="trl, by hand: packing bfd, no checkpointing, 2 sequences a batch", who="trl",
        settings={"packing": True, "gradient_checkpointing": False, "per_device_train_batch_size": 2},
    ),
)  # fmt: skip


def measure(method: str, count: int, rows: Rows, threads: int, only: Sequence[str] = ()) -> dict[str, Row]:
    """A run of each contestant, in turn, on the same rows in the same order of the file."""
    base = make_base(FOLDER / "base", READ)
    learned = conversations("medical_en/medquad_qa_train.jsonl.gz", count)
    held_out = conversations("medical_en/medquad_qa_dev.jsonl.gz", HELD_OUT)
    found = {}
    for one in CONTESTANTS:
        if only and not any(part in one.label for part in only):
            continue
        given = {
            "who": one.who, "settings": one.settings, "folder": str(base), "out": str(FOLDER / "out"),
            "method": method, "rate": RATES[method], "rows": learned, "held_out": held_out, "scored": True,
            "every": 0.15, "most_steps": 10**9, "max_length": LENGTH, "card": False,
        }  # fmt: skip
        path = FOLDER / "given.json"  # too long for a command line
        path.parent.mkdir(parents=True, exist_ok=True)
        found[one.label] = rows.get(
            f"{method}, {count} rows, {one.label}",
            lambda given=given, path=path: started(given, path, threads),
        )
    return found


def started(given: dict[str, Any], path: Any, threads: int) -> Row:
    import json

    path.write_text(json.dumps(given), "utf-8")
    return in_process("training_contestant.py", {"file": str(path)}, threads)


def common_loss(found: dict[str, Row]) -> float:
    """The lowest held-out loss that every run reaches."""
    return max(min(point["loss"] for point in row["curve"]) for row in found.values())


def reached(row: Row, loss: float, what: str) -> float:
    """Seconds or supervised tokens when the held-out loss first came down to `loss`, between two scorings."""
    curve = row["curve"]
    for before, after in pairwise(curve):
        if after["loss"] <= loss:
            share = (before["loss"] - loss) / (before["loss"] - after["loss"])
            return float(before[what] + share * (after[what] - before[what]))
    return float("nan")


def table(method: str, found: dict[str, Row]) -> list[str]:
    loss = common_loss(found)
    theirs = reached(found[TRL.label], loss, "seconds") if TRL.label in found else float("nan")
    lines = [
        f"### {method}: {found[next(iter(found))]['rows']} rows",
        "",
        f"| program | steps | run s | padding % | supervised tokens/s | held-out loss | s to {loss:.3f} "
        "| tokens/s until then | times trl's defaults |",
        "|---|" + "---:|" * 8,
    ]
    for label, row in found.items():
        seconds = reached(row, loss, "seconds")
        lines.append(
            f"| {label} | {row['steps']} | {row['seconds']:.0f} | {row['padding']:.0f} "
            f"| {row['supervised'] / row['seconds']:.0f} | {row['curve'][-1]['loss']:.3f} | {seconds:.0f} "
            f"| {reached(row, loss, 'supervised') / seconds:.0f} | {theirs / seconds:.2f} |"
        )
    return [*lines, ""]


def report(tables: list[str], threads: int) -> str:
    lines = [
        f"## {TITLE}",
        "",
        f"A Llama of {SHAPE['num_hidden_layers']} layers and width {SHAPE['hidden_size']} with {WORDS:,} BPE tokens,",
        f"after reading {READ * 8 * 512:,} tokens of articles; one epoch of MedQuAD's questions and answers, of which",
        "both learn the answers alone. Rate, cosine schedule, LoRA's settings, threads and scorer are the same, each",
        "run is a process of its own. Seconds are those of training, without loading and scoring",
        f"({HELD_OUT} held-out answers); the loss to come down to is the lowest that all runs reach. trl computes in",
        "bf16 by default, and so do we where the processor multiplies in it. Made by `benchmarks/training_speed.py`.",
        "",
        *tables,
    ]
    return "\n".join([*lines, f"{threads} threads. {machine()}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400, help="to learn")
    parser.add_argument("--methods", nargs="*", default=["lora"], choices=list(RATES))
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of contestants")
    parser.add_argument("--again", action="store_true", help="measure runs anew that were kept")
    parser.add_argument("--card", action="store_true", help="on a GPU: models of 1 to 8 billion weights")
    parser.add_argument("--models", nargs="*", default=CARD_MODELS, help="of --card")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    chosen = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"{DATA} is not there; this benchmark needs the shared sets.")
    if chosen.card:
        import training_speed_card as card

        text = card.report(chosen.models)
        print(text)
        if chosen.write:
            replace_section(RESULTS, card.TITLE, text)
        return
    rows, threads = Rows(FOLDER / "runs.json", again=chosen.again), len(os.sched_getaffinity(0))
    tables = []
    for method in chosen.methods:
        tables += table(method, measure(method, chosen.rows, rows, threads, chosen.only))
    text = report(tables, threads)
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
