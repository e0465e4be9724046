"""DPO (arXiv 2305.18290): a model learns which of two answers is the better one, without a reward model.

trl's DPOTrainer is not used: it would hold a second model for whatever is no adapter of peft's, a second adapter where
a run goes on from one, and 4-bit runs in bf16 adapters, which a resumed run differs with. Its loss is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.methods import Method
from finetune.objectives import Encoded, Job
from finetune.objectives.sft import longest
from finetune.packing import Row
from finetune.preference_rows import encode_pairs, load_tokenizer, pair_rows
from finetune.schema import Example, TrainConfig
from finetune.starting import tokenizer_folder

# Also what an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def usable(example: Example) -> bool:
    return bool(example.chosen)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    return encode_pairs(examples, config, folder, tokenizer, longest(config, folder))


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    return pair_rows(train), pair_rows(held_out)


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
    if not rows:
        raise ValueError(
            f"No pair keeps both answers within {longest(config, folder)} tokens; give a larger --max-length."
        )
    from finetune.preference_job import preference_job
    from finetune.preference_rule import dpo_rule

    rule = dpo_rule(config.beta, config.preference_loss)
    return preference_job(rows, held_rows, rule, config, folder, tokenizer, method, arguments, rows=len(rows))
