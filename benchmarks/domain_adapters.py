"""Trains the shipped adapters by their recipes, for as many seeds as wanted; what is finished is kept, and what was
interrupted goes on. `--ship` puts small copies into the package: of the first seeds; the general reader is a mean."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from mean_reader import make_mean
from recipes import MEAN, MEAN_READER, RECIPES, folder_of

from finetune import train
from finetune.slim import slim_adapter

PACKAGE = Path(__file__).parents[1] / "rag" / "shipped"
SHIPPED = ("reader", "reader-finance", "reader-medical", "reranker")


def make(name: str, seed: int) -> Path:
    """The adapter of this recipe and seed: made now, or kept from before."""
    recipe, out = RECIPES[name], folder_of(name, seed)
    if (out / "adapter_card.json").is_file():
        print(f"{out.name}: kept from before", flush=True)
        return out
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


def mean() -> Path:
    """The general reader that is shipped."""
    if not MEAN_READER.is_dir():
        parts = {make(name, seed): weight for name, seeds, weight in MEAN for seed in seeds}
        print(f"{MEAN_READER.name} ...", flush=True)
        held = [row for row in RECIPES["reader"].rows() if row.split == "dev"]
        for metric, value in sorted(make_mean(parts, held, MEAN_READER).items()):
            print(f"  {metric}: {value:.4g}")
    return MEAN_READER


def ship(name: str) -> None:
    target = PACKAGE / name
    if target.exists():
        shutil.rmtree(target)
    for line in slim_adapter(mean() if name == "reader" else make(name, 0), target):
        print(f"  {name}/{line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", default=list(RECIPES), help=f"of {', '.join(RECIPES)}; all when left out"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--ship", action="store_true", help=f"put {', '.join(SHIPPED)} into rag/shipped")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(RECIPES):
        parser.error(f"unknown recipe {sorted(unknown)[0]!r}; choose of {', '.join(RECIPES)}")
    for seed in chosen.seeds:
        for name in chosen.names:
            make(name, seed)
    for name in SHIPPED:
        if chosen.ship and name in chosen.names:
            ship(name)


if __name__ == "__main__":
    main()
