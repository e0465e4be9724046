"""The mean of readers that go on from one another, with a threshold chosen on held-out rows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from finetune import Example, load_span_reader, read_card
from finetune.adapters import write_card
from finetune.combine import combine_adapters
from finetune.span_reader import SpanReader
from finetune.span_scores import Said, best_threshold, judged, summary


def make_mean(parts: Mapping[Path, float], rows: Sequence[Example], out: Path) -> dict[str, float]:
    """Writes the mean of folders with these weights to `out`; its card tells what the first part and the mean reach on
    the held-out `rows`. Returns the latter."""
    staging = out.with_name(out.name + ".mean")
    shutil.rmtree(staging, ignore_errors=True)
    first, *_ = parts
    combine_adapters(list(parts), staging, weights=list(parts.values()), rule="mean")
    reader = load_span_reader("minilm", staging)
    said = [
        read_alone(reader, row.question, row.context, [row.context[start:end] for start, end in row.answers])
        for row in rows
    ]
    card = replace(
        read_card(staging),
        metrics_before=read_card(first).metrics_after,
        metrics_after={**summary(said, best_threshold(said)), "held_out_rows": float(len(said))},
    )
    write_card(card, staging)
    staging.rename(out)
    return card.metrics_after


def read_alone(reader: SpanReader, question: str, passage: str, gold: Sequence[str]) -> Said:
    """What a reader finds in one passage, with its score before any threshold."""
    found = reader.read(question, [passage], threshold=-1e9)
    return judged(found[0].text, found[0].score, gold) if found else judged("", -1e9, gold)
