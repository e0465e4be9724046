"""Rows about things that every model should know: the shipped ones, or a file of the person's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from finetune.formats import load_examples
from finetune.schema import Example, TrainConfig
from finetune.splits import split_rows

SHIPPED, REPLAY = "general.jsonl", "replay.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralRow:
    """A question with its answer; `choices` holds wrong answers too, where there are any."""

    example: Example
    choices: tuple[str, ...] = ()


def general_rows(config: TrainConfig) -> list[GeneralRow]:
    """The rows that are scored. Raises FileNotFoundError or ValueError for a file that is none of questions."""
    if config.general == "none":
        return []
    if config.general is None:
        return _read_shipped(SHIPPED)
    rows = _read(Path(config.general))
    return [row for row in rows if row.example in _halves(rows)[1]] if config.replay else rows


def replay_rows(config: TrainConfig, taught: int) -> tuple[list[Example], str]:
    """General rows to learn beside `taught` others, none of which is scored, and a line on how many.

    They are the asked-for share of all rows, or as many as there are.
    """
    if not config.replay:
        return [], ""
    if config.general is None:
        found = [row.example for row in _read_shipped(REPLAY)]
    else:
        found = _halves(_read(Path(config.general)))[0]
    wanted = max(1, round(taught * config.replay / (1 - config.replay)))
    taken = found[:wanted]
    share = len(taken) / (len(taken) + taught)
    less = "" if len(taken) == wanted else f"; {config.replay:.0%} were asked for, but there are no more"
    return taken, f"{len(taken)} general rows replayed ({share:.0%} of what is learned{less})"


def _halves(rows: Sequence[GeneralRow]) -> tuple[list[Example], list[Example]]:
    """A half to learn and a half to score, by content: what is learned proves nothing about forgetting."""
    if len(rows) < 2:
        raise ValueError("Replay needs at least two general rows: those that are learned are not scored.")
    plain = [row.example for row in rows]
    learned, scored, _ = split_rows(plain, share=0.5) if len(rows) >= 10 else (plain[::2], plain[1::2], ())
    return learned, scored


def _read_shipped(name: str) -> list[GeneralRow]:
    with as_file(files("finetune").joinpath(name)) as file:
        return _read(file)


def _read(file: Path) -> list[GeneralRow]:
    examples = load_examples(file)
    if not all(row.messages for row in examples):
        raise ValueError(f"'{file}' holds no questions with answers; general rows need both.")
    choices = _choices(file)
    return [GeneralRow(example=row, choices=choices.get(row.line, ())) for row in examples]


def _choices(file: Path) -> dict[int, tuple[str, ...]]:
    """The wrong and right answers of each line that lists them, which only JSON lines can."""
    if file.suffix not in (".jsonl", ".ndjson"):
        return {}
    found = {}
    for line, text in enumerate(file.read_text("utf-8-sig").splitlines(), start=1):
        row = json.loads(text) if text.strip() else {}
        listed = row.get("choices")
        if listed is None:
            continue
        if not isinstance(listed, list) or row.get("answer") not in listed or len(listed) < 2:
            raise ValueError(f"{file}:{line}: 'choices' must be a list of answers that holds the right one.")
        found[line] = tuple(str(choice) for choice in listed)
    return found
