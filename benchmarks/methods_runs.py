"""Runs of a method on a labelled set, several at a time, kept in a file so that a stopped benchmark goes on."""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("SENTIMENT", Path(__file__).parents[2] / "shared" / "data" / "sentiment"))


def one(given: Mapping[str, Any]) -> dict[str, Any]:
    """Train and score in this process."""
    import time

    import torch

    from finetune import TrainConfig, load_classifier, train
    from finetune.evaluate import accuracy, macro_f1
    from finetune.schema import Example

    torch.set_num_threads(int(given["threads"]))
    rows = {split: read_rows(given["set"], split, given["most"]) for split in ("train", "dev", "test")}
    examples = [
        Example(text=row["text"], label=row["label"], split=split, line=number)
        for split in ("train", "dev")
        for number, row in enumerate(rows[split], start=1)
    ]
    with tempfile.TemporaryDirectory() as place:
        config = TrainConfig(
            model=given.get("model", "minilm"), out=f"{place}/adapter", objective="classify", epochs=given["epochs"],
            method=given["method"], seed=given["seed"], batch_size=16, save_steps=100_000, max_length=128,
            patience=0, eval_steps=100_000, allow=("duplicates", "conflicts", "leakage", "truncated"),
            **given["settings"],
        )  # fmt: skip
        began = time.perf_counter()
        result = train(examples, config)
        seconds = time.perf_counter() - began
        classifier = load_classifier(config.model, config.out)
        scores = {}
        for split in ("dev", "test"):
            said = [label for label, _ in classifier.classify([row["text"] for row in rows[split]])]
            gold = [row["label"] for row in rows[split]]
            scores[split] = {"accuracy": accuracy(gold, said), "macro_f1": macro_f1(gold, said)}
    card = result.card
    return {
        **given, **scores, "seconds": seconds, "share": card.trainable_params / card.total_params,
        "trainable": card.trainable_params, "gib": card.memory.get("measured_gib"), "of": card.memory.get("measured"),
        "steps": result.steps,
    }  # fmt: skip


def read_rows(name: str, split: str, most: int) -> list[dict[str, str]]:
    """Of the training rows at most `most`."""
    with gzip.open(SHARED / f"{name}_{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return random.Random(0).sample(rows, most) if split == "train" and len(rows) > most else rows


class Runs:
    """Results by what was asked, kept in a file of lines."""

    def __init__(self, path: Path, workers: int, *, kept_alone: bool = False) -> None:
        self._path, self._workers, self._kept_alone = path, workers, kept_alone
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        self._kept = {_key(row): row for row in map(json.loads, lines)}

    def make(self, wanted: Sequence[dict[str, Any]]) -> None:
        """Run what is missing, several at a time."""
        missing = [given for given in wanted if _key(given) not in self._kept]
        if not missing or self._kept_alone:
            return
        with _processes(self._workers) as pool:
            for future in as_completed([pool.submit(_attempt, given) for given in missing]):
                row = {"on": machine(), **future.result()}
                self._kept[_key(row)] = row
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(_key(row), row.get("dev") or row["error"], flush=True)

    def get(self, wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """In the order of `wanted`; empty when one is missing."""
        found = [self._kept.get(_key(given)) for given in wanted]
        return [row for row in found if row is not None] if all(found) else []


def _key(given: Mapping[str, Any]) -> str:
    return " ".join(
        json.dumps(given[name]) for name in ("set", "method", "seed", "settings", "epochs", "most")
    )


def machine() -> str:
    """Where runs are made, in words."""
    import torch

    card = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return f"{card}{os.cpu_count()} cores, PyTorch {torch.__version__}, {date.today().isoformat()}"


def _attempt(given: dict[str, Any]) -> dict[str, Any]:
    """A run, or one line on why it could not be."""
    try:
        return one(given)
    except (ValueError, RuntimeError, ImportError) as error:
        return {**given, "error": " ".join(str(error).split())[:120]}


def _processes(workers: int) -> ProcessPoolExecutor:
    """On a processor each run has a process of its own, whose growth is its memory; a card counts for itself."""
    import torch

    tasks = None if torch.cuda.is_available() else 1
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=tasks)
