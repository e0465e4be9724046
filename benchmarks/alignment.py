"""A known preference is learned by DPO, KTO, GRPO and PPO from one SFT adapter: win rate, right facts, KL, seconds.

Everything is made here: a small Llama that knows the facts of an invented world and answers in eight manners, an SFT
adapter on it, preferences by a rule, a reward model. Learning rates are chosen on dev facts. Finished runs are kept in
benchmarks/alignment_runs.jsonl with the machine that made them, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alignment_picture import PICTURE, draw
from alignment_table import report
from measured import BUILD
from results import RESULTS, machine, replace_section

TITLE = "Alignment: a known preference, learned four ways"
KEPT = Path(__file__).with_name("alignment_runs.jsonl")
SEEDS = (0, 1, 2)
Row = dict[str, Any]
# Tried on dev facts with seed 0.
_ANSWERS = {
    "answers_per_step": 64,
    "samples": 8,
    "answer_tokens": 32,
    "minibatches": 4,
    "kl_coefficient": 0.2,
}
_PPO = {"kl_target": 2.0, "inner_epochs": 1, "head_learning_rate": 3e-3, "reward_scaling": "standard"}
TRIED: dict[str, list[Row]] = {
    "dpo": [
        {"learning_rate": rate, "epochs": 5, "beta": 0.5, "preference_loss": loss}
        for rate, loss in ((3e-4, "sigmoid"), (1e-3, "sigmoid"), (1e-3, "rpo"))
    ],
    "kto": [{"learning_rate": rate, "epochs": 6, "beta": 0.3} for rate in (1e-3, 2e-3)],
    "grpo": [{"learning_rate": rate, "max_steps": 50, **_ANSWERS} for rate in (5e-4, 1e-3)],
    "ppo": [{"learning_rate": rate, "max_steps": 50, **_ANSWERS, **_PPO} for rate in (5e-4, 1e-3)],
}


class Kept:
    """Finished rows by what was asked, in a file of lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        self._rows = {json.dumps(row["asked"]): row for row in map(json.loads, lines)}

    def get(self, asked: Row, work: Callable[[], Row]) -> Row:
        key = json.dumps(asked)
        if key not in self._rows:
            row = {"asked": asked, "on": machine(), **work()}
            self._rows[key] = row
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            shown = {name: row[name] for name in ("win", "right", "kl", "accuracy", "seconds") if name in row}
            print(asked, shown, flush=True)
        return self._rows[key]


def make(place: Path, kept: Kept, seeds: Sequence[int]) -> dict[str, Any]:
    """Every run that the tables need. Models that a stopped run left in `place` are not made again."""
    import torch
    from alignment_runs import make_preferences, make_reward, make_start, tune

    torch.set_num_threads(1)
    place.mkdir(parents=True, exist_ok=True)
    start = kept.get({"made": "start"}, lambda: make_start(place))
    if not (place / "sft").is_dir():  # the figures are kept and the models are not
        make_start(place)
    rewards, finals = [], {objective: [] for objective in TRIED}
    chosen: dict[str, Row] = {}
    dev: dict[str, list[Row]] = {}
    for seed in seeds:
        if not (place / f"preferences{seed}.json").is_file():
            make_preferences(place, seed)
        rewards.append(kept.get({"made": "reward", "seed": seed}, lambda: make_reward(place, seed)))  # noqa: B023
        if not (place / f"reward{seed}").is_dir():
            make_reward(place, seed)
        for objective, tried in TRIED.items():
            asked = {"objective": objective, "seed": seed}
            if objective not in chosen:
                found = [
                    kept.get(run, lambda: tune(place, run))  # noqa: B023
                    for settings in tried
                    for run in [{**asked, "split": "dev", "settings": settings}]
                ]
                dev[objective], chosen[objective] = found, best(found)
            run = {**asked, "split": "test", "settings": chosen[objective]}
            finals[objective].append(kept.get(run, lambda: tune(place, run)))  # noqa: B023
    return {"start": start, "rewards": rewards, "finals": finals, "dev": dev}


def best(found: Sequence[Mapping[str, Any]]) -> Row:
    """The settings with the best win rate on dev; within a hundredth of it, those that stay nearest to SFT."""
    top = max(row["win"] for row in found)
    near = [row for row in found if row["win"] >= top - 0.01]
    return dict(min(near, key=lambda row: row["kl"])["asked"]["settings"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--runs", type=Path, default=KEPT, help="where finished runs are kept")
    parser.add_argument("--place", type=Path, default=BUILD / "alignment", help="where models lie meanwhile")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    made = make(chosen.place, Kept(chosen.runs), chosen.seeds)
    text = "\n".join(report(TITLE, made, PICTURE.name))
    print(text)
    if chosen.write:
        draw(made["finals"])
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    main()
