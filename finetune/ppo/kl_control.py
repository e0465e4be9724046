"""How much a step away from the reference costs: a coefficient that is fixed, or moves until the KL is as wanted."""

from __future__ import annotations

MOST_ERROR = 0.2  # of what a single measurement may say; Ziegler et al. (arXiv 1909.08593, section 2.2)


def next_coefficient(coefficient: float, kl: float, target: float | None, horizon: float) -> float:
    """beta (1 + e / horizon), where e = clip(KL / target - 1, -0.2, 0.2); unchanged without a target.

    `kl` and `target` are nats per answer, `horizon` counts steps: 10 is the paper's K of 0.1.
    """
    if target is None:
        return coefficient
    error = min(max(kl / target - 1, -MOST_ERROR), MOST_ERROR)
    return coefficient * (1 + error / horizon)
