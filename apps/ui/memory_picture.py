"""Memory as a picture: what training and answering hold, part by part, against the end of the card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from advisor.memory_bar import part_name, shown_parts
from advisor.pictures import part_colour
from advisor.wording import limit_gib, size
from apps.ui.words import Language, word

if TYPE_CHECKING:
    from advisor import Recommendation


def memory_rows(found: Recommendation, language: Language = "en") -> list[dict[str, Any]]:
    """One row for each visible part of the best option's training and answering, in GiB."""
    phases = (("training", found.best.train_memory), ("answering", found.best.serve_memory))
    return [
        {
            "phase": word(phase, language),
            "part": part_name(part, language),
            "colour": part_colour(part),
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
    return 1.04 * max([limit_gib(found) or 0.0, *held])


def _limit(found: Recommendation, language: Language) -> list[alt.Chart]:
    gib = limit_gib(found)
    if gib is None:
        return []
    text = f"{word('end of the card', language)}: {size(gib)} GiB"
    table = pd.DataFrame([{"gib": gib, "text": text}])
    line = alt.Chart(table).mark_rule(color="#b91c1c", strokeDash=[5, 3], strokeWidth=2).encode(x="gib:Q")
    label = (
        alt.Chart(table)
        .mark_text(align="right", dx=-5, baseline="bottom", dy=-2, color="#b91c1c", fontWeight=600)
        .encode(x="gib:Q", y=alt.value(0), text="text:N")
    )
    return [line, label]
