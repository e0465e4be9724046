"""Memory as a picture: what training and answering hold, part by part, against the end of the card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from advisor.memory_bar import part_name, shown_parts
from apps.ui.words import Language, word

if TYPE_CHECKING:
    from advisor import Recommendation

# Of Paul Tol's "muted" scheme: told apart by those who see few colours.
COLOURS = {
    "weights": "#0f766e", "adapters": "#44AA99", "gradients": "#CC6677", "optimizer": "#DDCC77",
    "activations": "#88CCEE", "logits": "#AA4499", "workspace": "#999933", "context": "#BBBBBB",
    "kv_cache": "#332288", "embedder": "#117733", "reranker": "#661100", "reserved": "#DDDDDD",
}  # fmt: skip


def memory_rows(found: Recommendation, language: Language = "en") -> list[dict[str, Any]]:
    """One row for each visible part of the best option's training and answering, in GiB."""
    phases = (("training", found.best.train_memory), ("answering", found.best.serve_memory))
    return [
        {
            "phase": word(phase, language),
            "part": part_name(part, language),
            "colour": COLOURS.get(part, "#666666"),
            "gib": round(gib, 2),
            "order": order,
        }
        for phase, memory in phases
        if memory is not None
        for order, (part, gib) in enumerate(shown_parts(memory).items())
    ]


def memory_chart(found: Recommendation, language: Language = "en") -> Any:
    """Stacked bars and, where a card is known, the line at its end; None when nothing is held."""
    rows = memory_rows(found, language)
    if not rows:
        return None
    table = pd.DataFrame(rows)
    parts = {row["part"]: row["colour"] for row in rows}
    bars = (
        alt.Chart(table)
        .mark_bar(height=26)
        .encode(
            y=alt.Y("phase:N", title=None, sort=None),
            x=alt.X(
                "gib:Q", title="GiB", stack="zero", scale=alt.Scale(domain=[0, _span(found)], nice=False)
            ),
            color=alt.Color(
                "part:N",
                title=None,
                scale=alt.Scale(domain=list(parts), range=list(parts.values())),
                legend=alt.Legend(orient="bottom", columns=4),
            ),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("part:N", title=" "), alt.Tooltip("gib:Q", title="GiB")],
        )
    )
    chart: Any = alt.layer(bars, *_limit(found, language)).properties(height=alt.Step(44))
    return chart


def _span(found: Recommendation) -> float:
    """GiB from left to right: the longest bar or the card, and a little air."""
    held = [m.device_gib for m in (found.best.train_memory, found.best.serve_memory) if m is not None]
    card = found.hardware.vram_gib if found.hardware and found.best.device != "cpu" else 0.0
    return 1.04 * max([card, *held])


def _limit(found: Recommendation, language: Language) -> list[alt.Chart]:
    gib = found.hardware.vram_gib if found.hardware else 0.0
    if not gib or found.best.device == "cpu":
        return []
    text = f"{word('limit of the card', language)}: {gib:g} GiB"
    table = pd.DataFrame([{"gib": gib, "text": text}])
    line = alt.Chart(table).mark_rule(color="#b91c1c", strokeDash=[5, 3], strokeWidth=2).encode(x="gib:Q")
    label = (
        alt.Chart(table)
        .mark_text(align="right", dx=-5, baseline="bottom", dy=-2, color="#b91c1c", fontWeight=600)
        .encode(x="gib:Q", y=alt.value(0), text="text:N")
    )
    return [line, label]
