"""Rows and runs that the tests of this package share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune import TrainConfig
from finetune.schema import Example


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Of matrices as small as these more threads only wait for one another, and all the longer on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # also for the processes that tests start
        yield
    torch.set_num_threads(before)


def chat(question: str, answer: str, split: str = "train") -> Example:
    turns = ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    return Example(messages=turns, split=split)


@pytest.fixture(scope="session")
def rows() -> list[Example]:
    """Twelve questions to learn from, two held out."""
    taught = [chat(f"What is item {number}?", f"Item {number} is blue.") for number in range(12)]
    return [*taught, chat("What is item 12?", "Item 12 is blue.", "dev"), chat("Item 13?", "Blue.", "dev")]


@pytest.fixture
def config(tiny_llama: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """A run of eight quick steps on the tiny Llama, with whatever the test changes."""

    def make(**changes: Any) -> TrainConfig:
        settings: dict[str, Any] = {
            "model": str(tiny_llama),
            "out": str(tmp_path / "adapter"),
            "max_steps": 8,
            "learning_rate": 1e-2,
            "save_steps": 100,
            # Scored in tests of their own.
            "general": "none",
            "metric_rows": 0,
        }
        return TrainConfig(**{**settings, **changes})

    return make
