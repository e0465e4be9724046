"""Closed book, tuned, RAG and both hybrids on facts seen in training, only in documents, and changed since.

A small Llama is pretrained here to answer from numbered passages (grounding_base.py), and knows no fact. Adapters learn
the same rows twice: asked alone, and grounded in the documents of that time by `apps.grounding`. All are then asked
in other words, over the documents of today. Finished runs are kept in build/grounding, so that a benchmark that was
stopped goes on.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from grounding_world import KINDS
from measured import BUILD, Rows
from results import RESULTS, machine, tell

TITLE = "Grounded training: facts that were seen, are only in documents, or have changed"
SEEDS = (0, 1, 2)
STEPS = 3200  # of pretraining
# Name, whether an adapter answers and of which way, whether passages are read.
WAYS: tuple[tuple[str, str | None, bool], ...] = (
    ("closed book", None, False),
    ("tuned", "plain", False),
    ("RAG", None, True),
    ("hybrid, plain adapter", "plain", True),
    ("hybrid, grounded adapter", "grounded", True),
)
_HOW = """
A Llama of {layers} layers of width {width} is pretrained here, from nothing, on passages whose facts are drawn anew
for each context ({steps} steps, {minutes:.0f} min of a core): it answers from numbered passages, cites, refuses,
and knows no fact. Then {learned} facts of an invented world become training rows; LoRA learns them asked alone
(plain: {plain} s), or with passages by `ground()` from the documents of that time (grounded: {grounded} s; 3
distractors of the index's own search, the passage that answers in 80 % of the rows). A third of all facts no row
tells, and half of those in the rows have changed in the documents since. Asked once each in another wording than in
training, greedily, with the {k} best passages of the documents of today ({found:.0%} of the searches bring the
right one). "Old" is the answer that the rows taught and that is no longer true. Cited: the answer has a verified
citation of the right document. Means over {seeds} seeds of adapters and of the grounding ± standard deviation;
base, world and indexes are the same.
"""


def make(folder: Path, split: str, seeds: Sequence[int], steps: int, again: bool) -> dict[str, Any]:
    """Every run that the table needs."""
    import torch
    from grounding_base import SIZE, pretrain
    from grounding_runs import Place, answered, tune

    torch.set_num_threads(1)
    place, kept = Place(folder=folder, split=split), Rows(folder / f"{split}.json", again)
    bases = Rows(folder / "base.json", again or not (place.base / "config.json").is_file())
    base = bases.get("base", lambda: {**pretrain(place.base, steps), "size": SIZE})
    tuned: dict[str, list[Mapping[str, Any]]] = {"plain": [], "grounded": []}
    for way, rows in tuned.items():
        for seed in seeds:
            rows.append(kept.get(f"{way} {seed}", lambda: tune(place, way, seed)))  # noqa: B023
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for name, way, passages in WAYS:
        for seed in seeds if way else (0,):
            adapter = f"{way}-{split}-{seed}" if way else None
            learned = (
                tuned["grounded"][seeds.index(seed)]["learned"] if way else tuned["grounded"][0]["learned"]
            )
            row = kept.get(
                f"{name} {seed}",
                lambda: answered(place, adapter, passages=passages, learned=learned),  # noqa: B023
            )
            answers.setdefault(name, []).append(row)
    return {"base": base, "tuned": tuned, "answers": answers}


def report(made: Mapping[str, Any]) -> list[str]:
    """The lines of the section."""
    from grounding_runs import PASSAGES

    base, tuned, answers = made["base"], made["tuned"], made["answers"]
    searched = answers["RAG"][0]
    asked = searched["questions"]
    found = sum(searched["scores"][kind]["found"] * asked[kind] for kind in KINDS) / sum(asked.values())
    how = _HOW.format(
        layers=base["size"]["num_hidden_layers"], width=base["size"]["hidden_size"], steps=base["steps"],
        minutes=base["seconds"] / 60, learned=len(tuned["grounded"][0]["learned"]), k=PASSAGES, found=found,
        seeds=len(tuned["plain"]), **{way: f"{mean(row['seconds'] for row in tuned[way]):.0f}" for way in tuned},
    )  # fmt: skip
    heads = [f"{kind}: EM | F1 | cited" for kind in KINDS]
    return [
        f"## {TITLE}",
        "",
        textwrap.fill(" ".join(how.split()), 120),
        "",
        f"| | {' | '.join(heads)} | changed: old |",
        f"|---|{'---:|' * (3 * len(KINDS) + 1)}",
        *(
            _line(name, rows, passages)
            for (name, _, passages), rows in zip(WAYS, answers.values(), strict=True)
        ),
        "",
        f"Questions of the first seed: {', '.join(f'{asked[kind]} {kind}' for kind in KINDS)}. EM and F1 are of "
        "the whole sentence without its marks, so that a wrong value still earns F1.",
        "",
        "Made by `benchmarks/grounding.py`.",
        "",
        machine(),
    ]


def _line(name: str, rows: Sequence[Mapping[str, Any]], passages: bool) -> str:
    cells = []
    for kind in KINDS:
        cells += [_spread(rows, kind, "exact_match"), _spread(rows, kind, "token_f1")]
        cells.append(_spread(rows, kind, "cited") if passages else "")
    return f"| {name} | {' | '.join(cells)} | {_spread(rows, 'changed', 'old')} |"


def _spread(rows: Sequence[Mapping[str, Any]], kind: str, name: str) -> str:
    values = [100 * row["scores"][kind][name] for row in rows]
    return f"{mean(values):.0f}" + (f" ± {stdev(values):.0f}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument(
        "--split", choices=("dev", "test"), default="test", help="dev: another world, to choose on"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help="of pretraining")
    parser.add_argument("--place", type=Path, default=BUILD / "grounding", help="where models and runs lie")
    parser.add_argument("--again", action="store_true", help="make every run anew")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    made = make(chosen.place, chosen.split, tuple(chosen.seeds), chosen.steps, chosen.again)
    text = "\n".join(report(made))
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
