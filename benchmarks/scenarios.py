"""Compares the recommendation with what published guides decided, situation by situation, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from results import RESULTS, machine, replace_section

from advisor import Hardware, Needs, Option, hardware_with_vram, recommend

TITLE = "Decisions of published guides"
ROOT = Path(__file__).parents[1]
GIVEN = ROOT.parent / "shared" / "facts" / "scenarios.jsonl"  # beside the repository where it is at hand
OWN = ROOT / "tests" / "advisor" / "scenarios_more.jsonl"

# What the files call a fact -> the need that asks for it. Facts that no question asks for are left out.
_RENAMED = {"knowledge_vs_behaviour": "gap", "task_type": "task", "vram_gb": "vram_gib"}
_DAYS = {
    "hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 30.0, "quarterly": 91.0, "yearly": 365.0,
    "rare": 365.0, "static": 1000.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One situation: what the guide decided, what the recommendation is, and whether they agree."""

    id: str
    description: str
    label: tuple[str, ...]
    ours: Option
    agrees: bool
    confidence: str
    batch: int | None


def needs_of(facts: Mapping[str, Any]) -> Needs:
    """The facts as answers to the questionnaire; a card is a machine, and none of the needs."""
    known = {item.name for item in fields(Needs)} - {"vram_gib", "gpus"}
    answers = {_RENAMED.get(key, key): value for key, value in facts.items()}
    values = {key: value for key, value in answers.items() if key in known}
    if "update_frequency" in facts:
        values["update_days"] = _DAYS[facts["update_frequency"]]
    return Needs(**values)


def hardware_of(facts: Mapping[str, Any]) -> Hardware | None:
    if "vram_gb" not in facts:
        return None
    return hardware_with_vram(facts["vram_gb"], count=facts.get("gpus", 1))


def names_of(option: Option) -> set[str]:
    """How a guide would call the option: its strategy and, where it tunes alone, its method."""
    method = {"full": "full_finetune"}.get(option.method, option.method)
    return {option.strategy, method} if option.strategy == "finetune" else {option.strategy}


def judge(scenario: Mapping[str, Any]) -> Judged:
    """Agreement is a label among the names of the best option and none that the guide argues against.

    Where the guide chose among methods of tuning only, 'finetune' itself is none that it argues against.
    """
    found = recommend(hardware_of(scenario["facts"]), None, needs_of(scenario["facts"]))
    names = names_of(found.best)
    against = {*scenario["label_not"]} - ({"finetune"} if scenario["decides"] == "ft_method" else set())
    return Judged(
        id=scenario["id"],
        description=scenario["description"],
        label=tuple(scenario["label"]),
        ours=found.best,
        agrees=bool(names & {*scenario["label"]}) and not names & against,
        confidence=found.confidence,
        batch=scenario.get("batch"),
    )


def read_scenarios(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def table(rows: Iterable[Judged]) -> str:
    lines = ["| id | situation | guide | ours | confidence | agrees |", "|---|---|---|---|---|---|"]
    for row in rows:
        ours = row.ours.strategy if row.ours.method == "none" else f"{row.ours.strategy}, {row.ours.method}"
        cells = (
            row.id,
            row.description,
            " or ".join(row.label),
            ours,
            row.confidence,
            "yes" if row.agrees else "NO",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def section(given: list[Judged], own: list[Judged]) -> str:
    """The summary for RESULTS.md; every disagreement is listed."""
    sets = [("a shared set", given)] if given else []
    sets += [(f"own, batch {n}", [row for row in own if row.batch == n]) for n in (1, 2)]
    lines = [f"## {TITLE}", "", "A situation agrees where the guide's decision is the best option.", ""]
    lines += ["| situations | agree | of |", "|---|---:|---:|"]
    lines += [f"| {name} | {sum(row.agrees for row in rows)} | {len(rows)} |" for name, rows in sets]
    missed = [row for row in (*given, *own) if not row.agrees]
    lines += [
        "",
        "Labels of both own batches were written from guides before the advisor was run on them. Rules were",
    ]
    lines += [
        "revised after the first batch was seen (27 of 34 agreed before); the second stayed unseen until then."
    ]
    lines += ["", "Disagreements:", "", table(missed)] if missed else ["", "No disagreement."]
    return "\n".join([*lines, "", machine()]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the summary into {RESULTS.name}")
    chosen = parser.parse_args()
    given = [judge(row) for row in read_scenarios(GIVEN)] if GIVEN.is_file() else []
    own = [judge(row) for row in read_scenarios(OWN)]
    print(table([*given, *own]))
    text = section(given, own)
    print(f"\n{text}")
    if chosen.write:
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    main()
