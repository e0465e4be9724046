"""Draws a run's loss, of the learned and of the held-out rows, as an SVG picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.policy_curve import draw_panels

CURVE = "loss.svg"


def draw_curve(lines: Sequence[Mapping[str, Any]], kept_step: int, file: Path) -> None:
    """`lines` as metrics.jsonl holds them; a dotted line marks the kept step. Raises ImportError in one line.

    Of a run that sampled its answers, the loss says little: reward, KL and others are drawn beside it."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"{CURVE} is not drawn: it needs matplotlib (pip install matplotlib)") from None
    rewarded = [line for line in lines if "reward" in line]
    figure = Figure(figsize=(10, 6) if rewarded else (7, 4), layout="constrained")
    if rewarded:
        draw_panels(figure, rewarded, kept_step)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        return
    axes = figure.add_subplot()
    learned = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    held_out = [(line["step"], line["held_out_loss"]) for line in lines if "held_out_loss" in line]
    if learned:
        axes.plot(*zip(*learned, strict=True), linewidth=1, alpha=0.5, label="each step")
        axes.plot(*zip(*_smooth(learned), strict=True), linewidth=2, label="learned rows, smoothed")
    if held_out:
        axes.plot(*zip(*held_out, strict=True), marker="o", linewidth=2, label="held-out rows")
    if learned and kept_step < learned[-1][0]:
        axes.axvline(kept_step, linestyle=":", color="grey", label=f"kept: step {kept_step}")
    axes.set(xlabel="step", ylabel="loss")
    if learned or held_out:
        axes.legend()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _smooth(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Mean over the last tenth of the run up to each step."""
    width = max(1, len(points) // 10)
    losses = [loss for _, loss in points]
    return [
        (step, sum(losses[max(0, at + 1 - width) : at + 1]) / min(width, at + 1))
        for at, (step, _) in enumerate(points)
    ]
