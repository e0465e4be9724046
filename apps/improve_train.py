"""Trains the candidate of a round from its rows, and goes on where that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.improve_round import Place, Round

if TYPE_CHECKING:
    from finetune import Example, TrainConfig, TrainResult

LENGTH_STEP = 64  # tokens


def train_candidate(
    place: Place, about: Round, allow: tuple[str, ...], told: Mapping[str, Any]
) -> TrainResult:
    """The finished candidate; at once where it was finished before. `told` are the listeners of `finetune.train`.

    Raises TrainingInterrupted once a checkpoint is written, and what `finetune.train` raises.
    """
    from apps.predicted_memory import predicted_memory
    from finetune import TrainingInterrupted, train

    rows = place.learned()
    config = candidate_config(about, place.candidate, rows, allow)
    try:
        return train(rows, config, predict=predicted_memory, **told)
    except TrainingInterrupted as stop:
        said = str(stop).split(":")[0]
        raise TrainingInterrupted(
            f"{said} of {place.name}; what was done is kept. Run the same command again to go on."
        ) from None


def candidate_config(about: Round, out: Path, rows: Sequence[Example], allow: tuple[str, ...]) -> TrainConfig:
    """The settings of a round's training run. Raises ValueError or OSError in one line."""
    from finetune import TrainConfig

    given = {
        name: value
        for name, value in about.settings.items()
        if value is not None and name not in ("kind", "mask", "context")
    }
    start = about.adapter if about.start else None
    return TrainConfig(
        **{"max_length": longest(about.model, start, rows), **given},
        model=about.model,
        out=str(out),
        objective=about.kind,
        adapter=start,
        metric_rows=0,  # both are compared on the same questions afterwards
        allow=allow,
        resume=True,
    )


def longest(model: str, adapter: str | None, rows: Sequence[Example]) -> int:
    """Tokens of the longest conversation, a few more, within what the model can read: answers with sources are long,
    and what is cut off is not learned."""
    from finetune.template import encode, load_tokenizer, render
    from finetune.weights import context_tokens, resolve_model

    base = resolve_model(model)
    tokenizer = load_tokenizer(Path(adapter) if adapter else base)

    def count(turns: Sequence[Mapping[str, str]]) -> int:
        return len(encode(tokenizer, render(tokenizer, turns, answering=False)))

    ends = [turns for row in rows for turns in ((*row.messages, *row.chosen), (*row.messages, *row.rejected))]
    most = max((count(turns) for turns in ends if turns), default=LENGTH_STEP)
    padded = -(-most // LENGTH_STEP) * LENGTH_STEP
    return min(padded, context_tokens(base) or padded)
