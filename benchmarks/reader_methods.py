"""A reader by several methods: the same training questions of squad_en and the same steps, scored on its dev split by
SQuAD 2.0's scores. Finished runs are kept under build/, so that a stopped benchmark goes on."""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from typing import Any

from mean_reader import read_alone
from measured import BUILD, Rows
from recipes import GENERAL, reader_config, reader_rows
from refusal_sets import rows_of
from results import RESULTS, machine, tell

from finetune import Example, load_span_reader, train
from finetune.span_scores import summary

TITLE = "A reader by method"
# Rates of finetune/defaults.toml where none stands here; LoRA as the shipped reader has it.
METHODS: dict[str, dict[str, Any]] = {
    "lora": {"learning_rate": GENERAL["learning_rate"]},
    "full": {"learning_rate": None},
    "houlsby": {"learning_rate": None},
}


def measure(method: str, rows: list[Example], seed: int) -> dict[str, Any]:
    learned = sum(row.split == "train" for row in rows)
    out = BUILD / "reader_methods" / f"{method}-{learned}-{seed}"
    settings = {"method": method, "epochs": GENERAL["epochs"], "patience": 0, **METHODS[method]}
    config = replace(reader_config(str(out), seed, **settings), resume=True)
    result = train(rows, config)
    reader = load_span_reader(config.model, out)
    said = [
        read_alone(reader, row["question"], row["context"], [answer["text"] for answer in row["answers"]])
        for row in rows_of("squad_en/dev")
    ]
    scores = summary(said, reader.threshold)
    return {
        "seconds": result.seconds,
        "trained": result.card.trainable_params,
        "mib": sum(file.stat().st_size for file in out.glob("*.safetensors")) / 2**20,
        **scores,
        "em": scores["em_at_threshold"],
        "f1": scores["f1_at_threshold"],
    }


def refusing() -> float:
    """EM and F1 of a reader that never answers."""
    said = [not row["answers"] for row in rows_of("squad_en/dev")]
    return sum(said) / len(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rows", type=int, default=3000, help="training questions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    rows = reader_rows(("squad_en",))
    learned = random.Random(0).sample([row for row in rows if row.split == "train"], chosen.rows)
    rows = [*learned, *(row for row in rows if row.split == "dev")]
    kept = Rows(BUILD / "reader_methods" / f"{chosen.rows}.json", False)
    lines = [
        "| method | trained | MiB | s | EM | F1 | EM answerable | F1 answerable |",
        "|---|" + "---:|" * 7,
    ]
    for method in chosen.methods:
        one = kept.get(f"{method} {chosen.seed}", lambda: measure(method, rows, chosen.seed))  # noqa: B023
        scores = (one[name] for name in ("em", "f1", "answerable_em", "answerable_f1"))
        cells = " | ".join(f"{100 * score:.1f}" for score in scores)
        lines.append(
            f"| {method} | {one['trained'] / 1e6:.2f} M | {one['mib']:.1f} | {one['seconds']:.0f} | {cells} |"
        )
        print(lines[-1], flush=True)
    how = (
        f"{chosen.rows} training questions of squad_en, {GENERAL['epochs']:g} epochs, one seed; rates of "
        f"defaults.toml, LoRA as the shipped reader (rank 32, {GENERAL['learning_rate']:g}). Dev split, thresholds "
        f"of the held-out rows. Refusing everything gives {100 * refusing():.1f}."
    )
    text = "\n".join([f"## {TITLE}", "", how, "", *lines, "", machine()]) + "\n"
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
