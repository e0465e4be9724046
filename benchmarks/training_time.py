"""Compares predicted durations of training with published ones that no rate rests on, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import RESULTS, machine, replace_section

from advisor.catalog import find_card
from advisor.duration import training_time
from advisor.rates import matmul_limit
from advisor.setups import ModelSpec, TimeEstimate, TrainSetup

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TITLE = "Time of training: predicted against published"
PUBLISHED = Path(__file__).with_name("published_speeds.toml")
_PEER = "ftuneai, the nearest peer, states +36/-41 % for its own predictions of time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One published speed; seconds as measured and as predicted."""

    source: str
    what: str
    seconds: float
    predicted: TimeEstimate
    cards: int
    limit_tflops: float  # of one card: the most that matrix products were measured to reach
    is_input: bool

    @property
    def covered(self) -> bool:
        return self.predicted.low_hours * 3600 <= self.seconds <= self.predicted.high_hours * 3600

    @property
    def error(self) -> float:
        """Of the estimate itself; 0.1 = predicted a tenth too long."""
        return self.predicted.hours * 3600 / self.seconds - 1

    @property
    def needed_tflops(self) -> float:
        """What one card has to compute in the published time."""
        return self.predicted.flops / self.seconds / self.cards / 1e12


def compare() -> list[Compared]:
    with PUBLISHED.open("rb") as file:
        published = tomllib.load(file)
    shapes = {row["name"]: ModelSpec(**row) for row in published["models"]}
    return [_compared(row, shapes[row["model"]]) for row in published["speeds"]]


def report(rows: Sequence[Compared]) -> str:
    judged = [row for row in rows if not row.is_input]
    lines = [
        "From counted work and rates measured by others. No rate rests on these rows, though what is counted was",
        f"chosen with them in view; two more, on which rates rest, are left out. {_PEER}",
        "",
        "| published by | rows | in the interval | median error | mean error | 90th percentile | high / low |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for source in dict.fromkeys(row.source for row in judged):
        lines.append(_line(source, [row for row in judged if row.source == source]))
    lines += [
        _line("all", judged),
        "",
        "Outside of the interval; the last two columns are TFLOPS: what the row needs, and the most that the card was",
        "measured to multiply. DeepSpeed's ZeRO-3 does more per module than is counted.",
        "",
        "| row | published s | predicted s | interval s | needs | card |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *(_missed(row) for row in judged if not row.covered)])


def _compared(row: dict[str, Any], model: ModelSpec) -> Compared:
    setup, card = TrainSetup(**row["setup"]), find_card(row["card"])
    assert card is not None, row["card"]
    predicted = training_time(
        model, setup, rows=row["rows"], card=card, rows_per_update=row["rows_per_update"]
    )
    cards = f"{setup.gpus} x " if setup.gpus > 1 else ""
    what = f"{row['source']}: {model.name}, {setup.method}, {setup.seq_len} tokens, {cards}{card.name}"
    return Compared(
        source=row["source"],
        what=what,
        seconds=row["seconds"],
        predicted=predicted,
        cards=setup.gpus,
        limit_tflops=matmul_limit(card) / 1e12,
        is_input=row.get("input", False),
    )


def _line(name: str, rows: Sequence[Compared]) -> str:
    errors = sorted(abs(row.error) for row in rows)
    spread = statistics.median(row.predicted.high_hours / row.predicted.low_hours for row in rows)
    covered = sum(row.covered for row in rows)
    tenth = errors[min(len(errors) - 1, round(0.9 * (len(errors) - 1)))]
    return (
        f"| {name} | {len(rows)} | {covered} ({covered / len(rows):.0%}) | {statistics.median(errors):.0%} "
        f"| {statistics.mean(errors):.0%} | {tenth:.0%} | {spread:.1f} |"
    )


def _missed(row: Compared) -> str:
    found = row.predicted
    low, high = found.low_hours * 3600, found.high_hours * 3600
    return (
        f"| {row.what} | {row.seconds:.1f} | {found.hours * 3600:.1f} | {low:.1f} to {high:.1f} "
        f"| {row.needed_tflops:.0f} | {row.limit_tflops:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the section of RESULTS.md")
    text = report(compare())
    print(text)
    if parser.parse_args().write:
        replace_section(RESULTS, TITLE, f"## {TITLE}\n\n{text}\n\n{machine()}")


if __name__ == "__main__":
    main()
