"""Makes the job that trains a policy on its own answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.defaults import learning_rates
from finetune.methods import Method, entry
from finetune.objectives import Job
from finetune.ppo.prompts import load_tokenizer, prompts_of
from finetune.ppo.settings import Settings, policy_settings
from finetune.schema import Example, TrainConfig
from finetune.starting import tokenizer_folder


def prepare(
    train: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    method: Method,
    arguments: dict[str, Any],
) -> Job:
    tokenizer = load_tokenizer(tokenizer_folder(config, folder), train)
    prompts, held = (prompts_of(part, config, folder, tokenizer) for part in (train, held_out))
    if not prompts:
        raise ValueError(
            "No prompt leaves room for an answer; give a larger --max-length or fewer --answer-tokens."
        )
    # Imported once the rows are known to be sound: these load torch, and the reward a model of its own.
    from finetune.causal_job import save_causal
    from finetune.ppo.held_out import scoring
    from finetune.rewards import load_reward

    reward = load_reward(str(config.reward))
    trainer = _trainer(prompts, config, folder, tokenizer, method, arguments, reward)
    evaluate, score_rows = scoring(trainer, held, config)

    def save(target: Path) -> None:
        save_causal(trainer.model, method, target, folder)
        tokenizer.save_pretrained(str(target))

    left = len(train) - len(prompts)
    notes = [f"{left} prompts left out: they leave no room for an answer"] if left else []
    return Job(
        trainer=trainer,
        evaluate=evaluate,
        save=save,
        rows=len(prompts),
        notes=(*notes, f"rewarded by {config.reward}"),
        score_rows=score_rows,
    )


def _trainer(
    prompts: Any,
    config: TrainConfig,
    folder: Path,
    tokenizer: Any,
    method: Method,
    arguments: dict[str, Any],
    reward: Any,
) -> Any:
    from transformers import TrainingArguments

    from finetune.causal import load_causal
    from finetune.causal_job import attached
    from finetune.ppo.algorithms import ALGORITHMS
    from finetune.ppo.trainer import PolicyTrainer

    settings = policy_settings(config)
    model = attached(load_causal(folder, **method.loading()), config, method)
    given = {
        **arguments,
        "per_device_train_batch_size": settings.prompts,  # a step of the Trainer is a round of the loop
        "include_num_input_tokens_seen": "no",  # the loop counts answers too
        "remove_unused_columns": False,
        "dataloader_drop_last": len(prompts)
        >= settings.prompts,  # a round of a few prompts would be mere chance
    }
    rate = config.head_learning_rate or learning_rates(config.method, config.objective, 0.0)[1]
    return PolicyTrainer(
        model=model,
        args=TrainingArguments(**given),
        processing_class=tokenizer,
        prompts=prompts,
        settings=settings,
        algorithm=ALGORITHMS[config.objective],
        reward=reward,
        sampler=_sampler(model, tokenizer, settings, config),
        rows=config.batch_size,
        head_learning_rate=rate,
        say=_unheard,
    )


def _sampler(model: Any, tokenizer: Any, settings: Settings, config: TrainConfig) -> Any:
    from finetune.ppo.rollout import Sampler
    from finetune.template import stop_tokens

    return Sampler(
        stops=stop_tokens(tokenizer, model.generation_config),
        pad_token_id=tokenizer.pad_token_id,
        most_tokens=settings.answer_tokens,
        at_once=settings.answers_per_step,
        equal_lengths=entry(config.method).virtual_tokens,
    )


def _unheard(line: str) -> None:
    """Until the run says who listens."""
