"""Writes docs/methods.md: every method × objective × model family, each tried by two training steps on a random
model; ends with status 1 where finetune.support says otherwise than what happened.

    python benchmarks/support_table.py [--families llama bert] [--methods lora] [--out docs/methods.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_families import FAMILIES, build

from finetune.defaults import learning_rates
from finetune.methods import METHODS
from finetune.objectives import SEARCHING
from finetune.schema import Example, TrainConfig
from finetune.support import WRITING, why_not
from finetune.weights import model_config

SAMPLED = ("ppo", "grpo")
# Refused although it runs: the steps would train the head, which is what output_layer does, and no regression.
BY_CHOICE = {("features", "rerank")}
TRIED = ("sft", "pretrain", "classify", "embed", "rerank", "span_qa", "reward", "dpo", "kto", *SAMPLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the function says and what happened; `refused` and `failed` are None where all went well."""

    method: str
    objective: str
    family: str
    refused: str | None
    failed: str | None

    @property
    def agrees(self) -> bool:
        by_choice = self.refused is not None and (self.method, self.objective) in BY_CHOICE
        return by_choice or (self.refused is None) == (self.failed is None)


def rows(objective: str) -> list[Example]:
    """Six short rows of the kind that an objective learns from."""
    if objective == "classify":
        # Of several lengths: without padding there is no mask, and a prefix that is not read goes unnoticed.
        return [Example(text=f"{word} " * (n + 1), label=word) for n in range(3) for word in ("warm", "cold")]
    if objective in SEARCHING:
        return [
            Example(
                question=f"Who runs mill {n}?",
                positives=(f"Mill {n} is run by a family.",),
                negatives=("No.",),
            )
            for n in range(6)
        ]
    if objective == "span_qa":
        passages = [f"Mill {n} is old. " * (n + 1) for n in range(6)]
        return [
            Example(question="How old?", context=text, answers=((0, 6),) * (n % 2))
            for n, text in enumerate(passages)
        ]
    if objective == "pretrain":
        return [Example(text=f"Page {n} tells of the river and its mills.") for n in range(6)]
    asked = [({"role": "user", "content": f"Item {n}?"}, _answer(f"Item {n} is blue.")) for n in range(6)]
    if objective in ("dpo", "reward"):
        return [
            Example(messages=(turn,), chosen=(answer,), rejected=(_answer("No."),)) for turn, answer in asked
        ]
    if objective == "kto":
        return [Example(messages=asked[n], thumb=n % 2 == 0) for n in range(6)]
    if objective in SAMPLED:
        return [Example(messages=(turn,)) for turn, _ in asked]
    return [Example(messages=turns) for turns in asked]


def _answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def word_count(said: Sequence[dict[str, Any]]) -> list[float]:
    """The reward of sampled answers."""
    return [float(len(one["answer"].split())) for one in said]


def attempt(method: str, objective: str, family: str, model: Path, scratch: Path) -> Trial:
    """Trains two steps. A pair that is refused is tried all the same, without asking the function."""
    refused = why_not(method, objective, model_config(model))
    sampling: dict[str, Any] = {
        "reward": "support_table:word_count",
        "answers_per_step": 4,
        "answer_tokens": 8,
    }
    settings = TrainConfig(
        model=str(model),
        out=str(scratch / f"{family}-{objective}-{method}"),
        method=method,
        objective=objective,
        max_steps=2,
        max_length=64,
        learning_rate=1e-3,
        last_layers=1,
        **({"general": "none"} if objective in WRITING else {}),  # type: ignore[arg-type]
        **(sampling | {"samples": 2 if objective == "grpo" else 1} if objective in SAMPLED else {}),
    )
    failed = _failure(settings, objective, ask=refused is None)
    return Trial(method=method, objective=objective, family=family, refused=refused, failed=failed)


def _failure(settings: TrainConfig, objective: str, *, ask: bool) -> str | None:
    from finetune import training

    check = training.check_support
    if not ask:
        training.check_support = lambda *args: None
    try:
        result = training.train(rows(objective), settings)
    except Exception as error:  # whatever a library raises is what the table has to foresee
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    finally:
        training.check_support = check
    return None if result.steps and all(loss == loss for loss in result.losses) else "no step, or no loss"


def table(trials: Iterable[Trial], families: list[str], reasons: list[str]) -> list[str]:
    """One objective's rows; a number names the reason below."""
    found = {(trial.method, trial.family): trial for trial in trials}
    lines = [f"| method | {' | '.join(families)} |", "| --- |" + " :---: |" * len(families)]
    for method in dict.fromkeys(method for method, _ in found):
        cells = [_cell(found[method, family], reasons) for family in families]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def _cell(trial: Trial, reasons: list[str]) -> str:
    if trial.refused is None:
        return "yes" if trial.failed is None else "FAILED"
    if trial.refused not in reasons:
        reasons.append(trial.refused)
    return f"({reasons.index(trial.refused) + 1})"


def page(trials: list[Trial], families: list[str]) -> str:
    reasons: list[str] = []
    parts = [
        "# Methods, objectives and model families",
        "Made by `benchmarks/support_table.py`, which trains each pair for two steps on a random two-layer model of "
        "the family. *yes*: trained and stored. A number: refused before anything is loaded, with the reason below.",
    ]
    for objective in dict.fromkeys(trial.objective for trial in trials):
        chosen = [trial for trial in trials if trial.objective == objective]
        parts += [f"## {objective}", "\n".join(table(chosen, families, reasons))]
    listed = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n\n".join([*parts, "## Reasons", "\n".join(listed), *abilities()]) + "\n"


def abilities() -> list[str]:
    """What can be done with each method's result, and the learning rates of defaults.toml for models up to 13B."""
    lines = [
        f"| method | merges into its base | rows may share a sequence | {' | '.join(TRIED)} |",
        "| --- | :---: | :---: |" + " ---: |" * len(TRIED),
    ]
    for name, method in METHODS.items():
        merges = "whole model" if method.whole else "yes" if method.merges else "no"
        rates = [_rate(name, objective) for objective in TRIED]
        cells = [merges, "no" if method.virtual_tokens else "yes", *rates]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return ["## After training, and default learning rates", "\n".join(lines)]


def _rate(method: str, objective: str) -> str:
    """Empty where nothing is learned by steps, or no model serves the pair."""
    served = any(
        why_not(method, objective, {"model_type": kind}) is None for kind in ("llama", "gpt2", "bert")
    )
    return f"{learning_rates(method, objective, 1.0)[0]:g}" if served and method != "features" else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--objectives", nargs="+", default=list(TRIED), choices=TRIED)
    parser.add_argument("--out", help="the page to write (default: none, only what was found is printed)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        trials = run(args, Path(scratch))
    wrong = [trial for trial in trials if not trial.agrees]
    for trial in wrong:
        said, was = trial.refused or "works", trial.failed or "it trained"
        print(f"{trial.method} × {trial.objective} × {trial.family}: said '{said}', but {was}")
    if args.out:
        Path(args.out).write_text(page(trials, args.families), "utf-8")
    works = sum(trial.failed is None for trial in trials)
    print(
        f"{len(trials)} tried, {works} work, {len(trials) - works} do not; {len(wrong)} otherwise than said"
    )
    return 1 if wrong else 0


def run(args: Any, scratch: Path) -> list[Trial]:
    trials = []
    for family in args.families:
        model = build(scratch / family, family)
        for objective in args.objectives:
            trials += [attempt(method, objective, family, model, scratch) for method in args.methods]
    return trials


if __name__ == "__main__":
    sys.exit(main())
