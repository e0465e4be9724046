"""docs/alignment.svg: win rate against KL for each objective, and what PPO and GRPO told of their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parents[1] / "docs" / "alignment.svg"
COLOURS = {"dpo": "#1f77b4", "kto": "#2ca02c", "grpo": "#ff7f0e", "ppo": "#d62728"}
OVER_STEPS = (
    ("reward", "reward (reward model)"),
    ("kl", "KL to SFT, nats per answer"),
    ("clip_share", "clipped share of tokens"),
    ("value_loss", "PPO: value loss"),
    ("entropy", "entropy, nats per token"),
)


def draw(finals: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Six panels; of several seeds each is a thin line."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "alignment"
    figure, panels = pyplot.subplots(2, 3, figsize=(13, 7))
    first, *others = panels.flat
    for name, rows in finals.items():
        wins = [100 * row["win"] for row in rows]
        first.scatter([row["kl"] for row in rows], wins, color=COLOURS[name], label=name.upper(), s=24)
    first.axhline(80, linestyle=":", color="grey")
    first.set(xlabel="KL to SFT, nats per answer", ylabel="win rate over SFT, %", title="held-out questions")
    first.legend()
    for axes, (figure_name, title) in zip(others, OVER_STEPS, strict=True):
        for name in ("grpo", "ppo"):
            for at, row in enumerate(finals.get(name, ())):
                lines = [line for line in row.get("curve", ()) if figure_name in line]
                axes.plot(
                    [line["step"] for line in lines], [line[figure_name] for line in lines], linewidth=0.9,
                    color=COLOURS[name], label=name.upper() if at == 0 and lines else None,
                )  # fmt: skip
        axes.set(xlabel="step", title=title)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})
    pyplot.close(figure)
