"""metrics.jsonl of a run: a line for each step and one for each scoring of the held-out rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.told import StepFigures

METRICS = "metrics.jsonl"


class MetricsLog:
    """The file in a run's folder; each line is there as soon as its step is over."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / METRICS

    def add(self, line: Mapping[str, Any]) -> None:
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def add_step(self, figures: StepFigures) -> None:
        """step, loss, learning_rate, grad_norm, of this step alone tokens (without padding) and seconds, and what the
        objective has to say."""
        line = asdict(figures)
        del line["total"]
        more = line.pop("more")
        self.add({**line, "seconds": round(figures.seconds, 4), **more})

    def cut(self, step: int) -> None:
        """Takes out what lies after `step`: a run that goes on from a checkpoint does those steps again."""
        kept = [line for line in read_metrics(self.file) if line["step"] <= step]
        self.file.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")


def read_metrics(file: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; none where there is no such file, and without a last line torn by a crash."""
    if not file.is_file():
        return []
    lines = []
    for text in file.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
