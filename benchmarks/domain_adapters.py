"""Trains the shipped adapters by their recipes, for as many seeds as wanted; what is finished is kept, and what was
interrupted goes on. `--ship` makes the first seed's adapters small and puts them into the package."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from mean_reader import make_mean
from recipes import GENERAL_SETS, MEAN, RECIPES, folder_of, reader_rows

from finetune import train
from finetune.slim import slim_adapter

PACKAGE = Path(__file__).parents[1] / "rag" / "shipped"
MEAN_READER = "reader-mean"
SHIPPED = {
    MEAN_READER: "reader",
    **{name: name for name in ("reader-finance", "reader-medical", "reranker")},
}
NAMES = [*RECIPES, MEAN_READER]


def make(name: str, seed: int) -> Path:
    """The adapter of this recipe and seed: made now, or kept from before."""
    out = folder_of(name, seed)
    if (out / "adapter_card.json").is_file():
        print(f"{out.name}: kept from before", flush=True)
        return out
    if name == MEAN_READER:
        return mean(out)
    recipe = RECIPES[name]
    config = replace(recipe.config(str(out), seed), resume=True)
    if recipe.after:
        config = replace(config, adapter=str(make(recipe.after, 0)))
    print(f"{out.name} ...", flush=True)
    result = train(recipe.rows(), config, say=lambda line, **_: print(f"  {line}", flush=True))
    before, after = result.card.metrics_before, result.card.metrics_after
    for metric in sorted(after):
        print(f"  {metric}: {before.get(metric, float('nan')):.4g} -> {after[metric]:.4g}")
    print(f"  {result.steps} steps in {result.seconds:.0f} s", flush=True)
    return out


def mean(out: Path) -> Path:
    parts = {make(name, seed): whole / len(seeds) for name, seeds, whole in MEAN for seed in seeds}
    print(f"{out.name} ...", flush=True)
    held = [row for row in reader_rows(GENERAL_SETS) if row.split == "dev"]
    for metric, value in sorted(make_mean(parts, held, out).items()):
        print(f"  {metric}: {value:.4g}")
    return out


def ship(name: str) -> None:
    target = PACKAGE / SHIPPED[name]
    if target.exists():
        shutil.rmtree(target)
    for line in slim_adapter(folder_of(name, 0), target):
        print(f"  {name}/{line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, help=f"of {', '.join(NAMES)}; all when left out")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--ship", action="store_true", help="put seed 0's into rag/shipped")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"unknown recipe {sorted(unknown)[0]!r}; choose of {', '.join(NAMES)}")
    for seed in chosen.seeds:
        for name in chosen.names:
            make(name, seed)
    for name in SHIPPED:
        if chosen.ship and name in chosen.names:
            ship(name)


if __name__ == "__main__":
    main()
