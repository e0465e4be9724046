"""KTO (arXiv 2402.01306): a model learns from single answers with a thumb up or down.

trl's KTOTrainer is not used, for the reasons in dpo.py; it also refuses batches of one row, which a run ends at where
memory is short. Its loss is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.methods import Method
from finetune.objectives import Encoded, Job
from finetune.objectives.sft import longest
from finetune.packing import Row
from finetune.preference_rows import encode_thumbs, load_tokenizer, thumb_rows
from finetune.schema import Example, TrainConfig
from finetune.starting import tokenizer_folder

# Also what an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def usable(example: Example) -> bool:
    return example.thumb is not None


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    return encode_thumbs(examples, config, folder, tokenizer, longest(config, folder))


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    length = longest(config, folder)
    return thumb_rows(train, length), thumb_rows(held_out, length)


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    tokenizer = load_tokenizer(tokenizer_folder(config, folder), train)
    encoded, held = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held_rows = sequences(encoded, held, config, folder)
    liked = sum(row["liked"][0] for row in rows)
    if liked in (0, len(rows)):
        raise ValueError(
            f"Of {len(rows)} judged answers that fit {longest(config, folder)} tokens {liked} are liked; KTO needs "
            "liked and disliked ones. Give a larger --max-length, or more rows."
        )
    from finetune.preference_job import preference_job
    from finetune.preference_rule import kto_rule

    weights = _weights(config, liked, len(rows) - liked)
    note = f"{liked} liked answers with weight {weights[0]:.3g}, {len(rows) - liked} disliked with {weights[1]:.3g}"
    return preference_job(
        rows,
        held_rows,
        kto_rule(config.beta, weights),
        config,
        folder,
        tokenizer,
        method,
        arguments,
        rows=len(rows),
        notes=(note,),
    )


def _weights(config: TrainConfig, liked: int, disliked: int) -> tuple[float, float]:
    """As given, one that is not given being 1; else such that both kinds count the same in sum."""
    from finetune.preference_loss import balanced

    if config.desirable_weight is None and config.undesirable_weight is None:
        return balanced(liked, disliked)
    given = (config.desirable_weight, config.undesirable_weight)
    return 1.0 if given[0] is None else given[0], 1.0 if given[1] is None else given[1]
