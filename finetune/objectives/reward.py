"""A reward model: one number for an answer, learned from which of two answers is the better one (Bradley and Terry;
arXiv 2203.02155, section 3.5). Any encoder can be one, and any model that writes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.methods import Method
from finetune.objectives import Job
from finetune.objectives.dpo import sequences, usable
from finetune.reward_rows import encode, is_encoder, load_tokenizer, longest
from finetune.schema import Example, TrainConfig

# Also what an objective offers.
__all__ = ["encode", "load_tokenizer", "longest", "prepare", "sequences", "usable"]


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    from finetune.adapters import HEAD
    from finetune.defaults import learning_rates
    from finetune.objectives.classify import save_headed
    from finetune.preference_job import judged_job, judged_trainer
    from finetune.preference_rule import reward_rule
    from finetune.reward_model import build

    if method.fit is not None:
        raise ValueError("A reward is learned by steps; take a method that trains so: output_layer or lora.")
    tokenizer = load_tokenizer(folder, train)
    encoded, held = (encode(part, config, folder, tokenizer) for part in (train, held_out))
    rows, held_rows = sequences(encoded, held, config, folder)
    model = method.attach(
        build(folder, seed=config.seed, **method.loading()), config, task="SEQ_CLS", head="classifier"
    )
    trainer = judged_trainer(model, rows, held_rows, reward_rule(), tokenizer, arguments)
    like = rates_like(folder)
    trainer.head_learning_rate = config.head_learning_rate or learning_rates(config.method, like, 0.0)[1]

    def save(target: Path) -> None:
        save_headed(trainer.model, method, target)
        tokenizer.save_pretrained(str(target))
        ends = folder / "generation_config.json"
        if ends.is_file() and (target / HEAD).is_file():  # a whole model closes answers where its base did
            shutil.copy(ends, target)

    return judged_job(trainer, save, rows=len(rows))


def rates_like(folder: Path) -> str:
    """The objective whose learning rates suit: an encoder learns as a classifier does; a model that writes as in
    fine-tuning (TRL's RewardConfig takes 1e-4), its head at the same rate, since its states are wide and large."""
    return "classify" if is_encoder(folder) else "sft"
