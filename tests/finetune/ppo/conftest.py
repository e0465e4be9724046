"""A small model that says many things, and runs of a few quick steps on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trained_pairs import spread

from finetune import TrainConfig
from finetune.schema import Example


@pytest.fixture(scope="session")
def talker(build_tiny_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama whose weights are wide: it prefers some tokens to others."""
    return spread(build_tiny_model(tmp_path_factory.mktemp("talker") / "llama", "llama"))


@pytest.fixture(scope="session")
def prompts() -> list[Example]:
    """Sixteen questions to learn from, four held out."""
    asked = [({"role": "user", "content": f"What is item {n}{'?' * (n % 3 + 1)}"},) for n in range(20)]
    return [Example(messages=turns, split="dev" if n > 15 else "train") for n, turns in enumerate(asked)]


@pytest.fixture
def run(talker: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """Four rounds of eight short answers, with whatever the test changes."""

    def make(objective: str = "ppo", **changes: Any) -> TrainConfig:
        settings: dict[str, Any] = {
            "model": str(talker),
            "out": str(tmp_path / objective),
            "objective": objective,
            "reward": "sampled_rewards:letters",
            "max_steps": 4,
            "answers_per_step": 8,
            "answer_tokens": 5,
            "max_length": 64,
            "learning_rate": 5e-3,
            "save_steps": 100,
            "general": "none",
        }
        if objective == "ppo":
            settings |= {"inner_epochs": 2, "minibatches": 2}
        else:
            settings |= {"samples": 4}
        return TrainConfig(**{**settings, **changes})

    return make
