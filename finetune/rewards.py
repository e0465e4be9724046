"""What judges sampled answers: a trained reward model's folder, or a person's own function as "module:function"."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Turns = Sequence[Mapping[str, str]]  # a conversation up to the question
Reward = Callable[[Sequence[Turns], Sequence[str]], list[float]]  # prompts and an answer to each -> scores
NEXT = "give a reward model's folder or module:function"


def check_reward(name: str | None) -> None:
    """Raises ValueError or FileNotFoundError for what can be seen without loading it."""
    if not name:
        raise ValueError(f"No --reward named, but sampled answers need a judge; {NEXT}.")
    if Path(name).is_dir():
        return
    module, colon, function = name.partition(":")
    if not colon:
        raise FileNotFoundError(f"No reward model at '{name}'; {NEXT}.")
    if not all(part.isidentifier() for part in (*module.split("."), function)):
        raise ValueError(f"--reward '{name}' is no module:function (e.g. rewards:short); {NEXT}.")


def load_reward(name: str) -> Reward:
    """The judge, what it says checked: a finite number for each answer.

    Raises ValueError, OSError or ImportError in one line.
    """
    check_reward(name)
    judge = _model(name) if Path(name).is_dir() else _function(name)

    def reward(prompts: Sequence[Turns], answers: Sequence[str]) -> list[float]:
        return _sound(judge(prompts, answers), len(answers), name)

    return reward


def _model(folder: str) -> Callable[[Sequence[Turns], Sequence[str]], Any]:
    from finetune.reward_model import load_reward_model

    model = load_reward_model(folder)

    def judge(prompts: Sequence[Turns], answers: Sequence[str]) -> Any:
        said = [{"role": "assistant", "content": answer} for answer in answers]
        return model.score([[*prompt, turn] for prompt, turn in zip(prompts, said, strict=True)])

    return judge


def _function(name: str) -> Callable[[Sequence[Turns], Sequence[str]], Any]:
    """Called with rows {"messages": the prompt's turns, "answer": text}. The working folder is looked in first, as
    `python -m` does."""
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = import_module(module_name)
    except Exception as error:  # whatever a person's module raises: told in one line
        raise ImportError(
            f"--reward '{name}': {module_name} cannot be imported ({_named(error)})."
        ) from error
    finally:
        sys.path.remove(here)
    function = getattr(module, function_name, None)
    if not callable(function):
        known = sorted(key for key, value in vars(module).items() if callable(value) and key[0] != "_")
        raise ValueError(f"'{module_name}' has no function '{function_name}'; it has {known}.")

    def judge(prompts: Sequence[Turns], answers: Sequence[str]) -> Any:
        rows = [
            {"messages": [dict(turn) for turn in prompt], "answer": answer}
            for prompt, answer in zip(prompts, answers, strict=True)
        ]
        try:
            return function(rows)
        except Exception as error:
            raise ValueError(f"The reward '{name}' failed: {_named(error)}.") from error

    return judge


def _sound(found: Any, count: int, name: str) -> list[float]:
    try:
        scores = [float(score) for score in found]
    except (TypeError, ValueError):
        raise ValueError(f"The reward '{name}' gave {found!r}; it must give a list of numbers.") from None
    if len(scores) != count:
        raise ValueError(
            f"The reward '{name}' gave {len(scores)} numbers for {count} answers; give one for each."
        )
    bad = next((at for at, score in enumerate(scores) if not math.isfinite(score)), None)
    if bad is not None:
        raise ValueError(f"The reward '{name}' gave {scores[bad]} for answer {bad + 1}; give finite numbers.")
    return scores


def _named(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
