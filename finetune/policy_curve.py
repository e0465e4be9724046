"""Draws what a run of PPO or GRPO did, a panel for each figure that tells how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Column of metrics.jsonl and what it shows; a panel each, those of PPO or GRPO alone where they are there.
PANELS = {
    "reward": "reward",
    "kl": "KL from the start (nats per answer)",
    "clip_share": "share of clipped tokens",
    "value_loss": "value loss",
    "kl_loss": "KL in the loss (nats per token)",
    "entropy": "entropy (nats per token)",
    "answer_tokens": "tokens of an answer",
}


def draw_panels(figure: Any, lines: Sequence[Mapping[str, Any]], kept_step: int) -> None:
    """`lines` are those of the steps; a dotted line marks the kept step where later ones were given up."""
    steps = [line["step"] for line in lines]
    shown = [name for name in PANELS if name in lines[0]]
    axes = figure.subplots(2, -(-len(shown) // 2), sharex=True, squeeze=False).flatten()
    for name, panel in zip(shown, axes, strict=False):
        panel.plot(steps, [line[name] for line in lines], linewidth=1.5)
        panel.set_title(PANELS[name], fontsize="medium")
        if kept_step < steps[-1]:
            panel.axvline(kept_step, linestyle=":", color="grey")
    for empty in axes[len(shown) :]:
        empty.set_axis_off()
    for panel in axes[-(-len(shown) // 2) :]:
        panel.set_xlabel("step")
