"""Makes the job that trains a causal language model on judged answers: what DPO and KTO have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from finetune.causal import load_causal
from finetune.causal_job import attached, save_causal
from finetune.methods import Method
from finetune.objectives import Job
from finetune.packing import Row
from finetune.pair_collate import PairCollator
from finetune.preference_rule import Rule
from finetune.preference_trainer import PreferenceTrainer
from finetune.schema import TrainConfig


def preference_job(
    taught: list[Row],
    held: list[Row],
    rule: Rule,
    config: TrainConfig,
    folder: Path,
    tokenizer: Any,
    method: Method,
    arguments: dict[str, Any],
    **told: Any,
) -> Job:
    """Loads the model in `folder` and attaches the method; `told` goes into the Job (rows, notes)."""
    model = attached(load_causal(folder, **method.loading()), config, method)
    trainer = judged_trainer(model, taught, held, rule, tokenizer, arguments)

    def save(target: Path) -> None:
        save_causal(trainer.model, method, target, folder)
        tokenizer.save_pretrained(str(target))

    return judged_job(trainer, save, **told)


def judged_trainer(
    model: Any, rows: Any, held: Any, rule: Rule, tokenizer: Any, arguments: dict[str, Any]
) -> PreferenceTrainer:
    trainer = PreferenceTrainer(
        model=model,
        args=TrainingArguments(**arguments, label_names=["labels"], remove_unused_columns=False),
        train_dataset=rows,
        eval_dataset=held or None,
        data_collator=PairCollator(tokenizer.pad_token_id or 0, rule.other),
        processing_class=tokenizer,
    )
    trainer.rule = rule
    return trainer


def judged_job(trainer: PreferenceTrainer, save: Any, **told: Any) -> Job:
    """Held-out rows are scored once; the single rows of that scoring are compared before and after."""

    def evaluate() -> dict[str, float]:
        if trainer.eval_dataset is None:
            return {}
        found = trainer.evaluate()
        return {name: found[f"eval_{name}"] for name in trainer.found.means}

    return Job(
        trainer=trainer,
        evaluate=evaluate,
        save=save,
        score_rows=lambda: trainer.found,
        with_reference=trainer.with_reference,
        **told,
    )
