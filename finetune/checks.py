"""Finds mistakes in a run's settings that need no library and no model, so that they are told at once."""

from __future__ import annotations

from finetune.embed_scores import SCORES
from finetune.methods import entry
from finetune.methods.settings import check_settings
from finetune.objectives import JUDGED, OBJECTIVES, SAMPLING, SEARCHING
from finetune.ppo.settings import ONLINE_FIELDS, policy_settings
from finetune.preference_checks import check_judged
from finetune.rewards import check_reward
from finetune.schema import TrainConfig
from finetune.support import WRITING

AT_LEAST_ONE = ("batch_size", "accumulation", "lora_rank", "lora_alpha", "save_steps", "question_tokens")


def check_config(config: TrainConfig) -> None:
    """Raises ValueError in one line that names the setting, its value and what it may be."""
    entry(config.method)
    check_settings(config)
    if config.objective not in OBJECTIVES:
        raise ValueError(f"Unknown objective '{config.objective}'; choose one of {sorted(OBJECTIVES)}.")
    for name in ("epochs", *AT_LEAST_ONE):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be more than 0.")
    if config.max_length < 8:
        raise ValueError(f"max_length is {config.max_length}; a row needs at least 8 tokens.")
    if config.answers not in ("all", "last"):
        raise ValueError(f"answers is '{config.answers}'; choose one of ['all', 'last'].")
    for name in ("max_steps", "eval_steps"):
        if getattr(config, name) is not None and getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be at least 1.")
    for name in ("learning_rate", "head_learning_rate"):
        rate = getattr(config, name)
        if rate is not None and not 0 < rate < 1:
            raise ValueError(f"{name} is {rate}; it must lie between 0 and 1 (e.g. 2e-4).")
    for name in ("warmup_share", "lora_dropout", "replay"):
        if not 0 <= getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}; it must lie between 0 and 1.")
    for name in ("patience", "metric_rows", "negatives"):
        if getattr(config, name) < 0:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be 0 (off) or more.")
    known = ["accuracy", "loss"] if config.objective in JUDGED else ["loss"]
    known = ["accuracy", "loss", "macro_f1"] if config.objective == "classify" else known
    known = ["em", "f1", "loss"] if config.objective == "span_qa" else known
    known = [*sorted(SCORES), "loss"] if config.objective in SEARCHING else known
    if config.stop_on not in known:
        raise ValueError(f"Unknown --stop-on '{config.stop_on}'; choose one of {known}.")
    if not config.temperature > 0:
        raise ValueError(f"temperature is {config.temperature}; it must be more than 0 (e.g. 0.05).")
    _check_forgetting(config)
    _check_sampling(config)
    check_judged(config)


def _check_sampling(config: TrainConfig) -> None:
    if config.objective in SAMPLING:
        policy_settings(config)
        if config.replay or config.packing:
            asked = "replay" if config.replay else "packing"
            raise ValueError(
                f"{asked} has no meaning for '{config.objective}', whose rows are prompts; leave it out."
            )
        check_reward(config.reward)
        return
    marking = ("answer_tokens",) if config.objective == "span_qa" else ()
    if marking and config.answer_tokens is not None and config.answer_tokens < 1:
        raise ValueError(f"answer_tokens is {config.answer_tokens}; it must be at least 1.")
    own = [name for name in ("reward", *ONLINE_FIELDS) if name not in marking]
    given = [name for name in own if getattr(config, name) is not None]
    if given:
        raise ValueError(
            f"{given[0]} belongs to the objectives {list(SAMPLING)}; leave it out for '{config.objective}'."
        )


def _check_forgetting(config: TrainConfig) -> None:
    if config.max_forgetting is not None and not config.max_forgetting >= 0:
        raise ValueError(
            f"max_forgetting is {config.max_forgetting}; give 0 or more nats per token (e.g. 0.1)."
        )
    if config.objective not in WRITING and (config.max_forgetting is not None or config.replay):
        asked = "max_forgetting" if config.max_forgetting is not None else "replay"
        what = {"classify": "a classifier", "reward": "a reward model"}.get(
            config.objective, "what it trains"
        )
        raise ValueError(
            f"{asked} has no meaning for '{config.objective}': {what} writes no text to forget; leave it out."
        )
    if config.general == "none" and (config.max_forgetting is not None or config.replay):
        raise ValueError(
            "general is 'none', so nothing can be compared or replayed; leave it out or name a file."
        )
