"""OBJECTIVES: what a model learns from the rows. A new objective is one file and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from finetune.methods import Method
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import TokenRow
from finetune.told import Told

if TYPE_CHECKING:
    from finetune.gains import RowScores

OBJECTIVES = {
    "classify": "finetune.objectives.classify",
    "dpo": "finetune.objectives.dpo",
    "embed": "finetune.objectives.embed",
    "grpo": "finetune.objectives.grpo",
    "kto": "finetune.objectives.kto",
    "ppo": "finetune.objectives.ppo",
    "pretrain": "finetune.objectives.pretrain",
    "rerank": "finetune.objectives.rerank",
    "reward": "finetune.objectives.reward",
    "sft": "finetune.objectives.sft",
    "span_qa": "finetune.objectives.span_qa",
}
JUDGED = ("dpo", "kto", "reward")  # learn from answers that somebody judged: pairs of them, or thumbs
SEARCHING = ("embed", "rerank")  # learn which passages answer a question
SAMPLING = ("grpo", "ppo")  # learn from answers that the model samples itself: their rows are prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that is ready to start: `evaluate` scores the model as it now is, `save` writes it into a
    folder."""

    trainer: Any  # transformers.Trainer
    evaluate: Callable[[], dict[str, float]]
    save: Callable[[Path], None]
    rows: int
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    score_rows: Callable[[], RowScores] | None = None  # of single held-out rows, where losses do not tell
    # Rows with what the model says of them before it has learned anything; asked for before the first step.
    with_reference: Callable[[Sequence[Row], TrainConfig, Told], list[Row]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One example in tokens: several rows where a conversation had to be divided."""

    line: int
    rows: tuple[TokenRow, ...]
    target: str = ""  # a label to learn instead of tokens
    asked: bool = False  # a prompt alone, whose answer will be sampled
    windows: tuple[Any, ...] = ()  # of a passage, span_rows.Window for each row
    example: Example | None = None  # of a passage: what its windows are scored by
    sides: tuple[str, ...] = ()  # of judged answers, what each row is: chosen and rejected, liked or disliked


class Objective(Protocol):
    """What a file of this folder offers."""

    def usable(self, example: Example) -> bool:
        """Whether a row is of the kind that this objective learns from."""

    def load_tokenizer(self, folder: Path, examples: Sequence[Example]) -> Any:
        """The model's tokenizer as training on these rows uses and saves it. Raises ValueError."""

    def encode(
        self, examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any
    ) -> list[Encoded]:
        """Each example in the tokens that training makes of it. Raises ValueError naming the line."""

    def longest(self, config: TrainConfig, folder: Path) -> int:
        """Tokens of the longest row that training takes of this model."""

    def sequences(
        self, train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
    ) -> tuple[list[Row], list[Row]]:
        """What batches are made of, to learn from and held out: rows that still carry something to learn, packed
        where they share a sequence. Raises ValueError."""

    def prepare(
        self,
        train: Sequence[Example],
        held_out: Sequence[Example],
        config: TrainConfig,
        folder: Path,
        method: Method,
        arguments: dict[str, Any],
    ) -> Job:
        """Loads the model in `folder`, attaches the method and tokenises the rows. Raises ValueError."""


def load_objective(name: str) -> Objective:
    """The objective's module. Raises ValueError naming the alternatives."""
    if name not in OBJECTIVES:
        raise ValueError(f"Unknown objective '{name}'; choose one of {sorted(OBJECTIVES)}.")
    module: Any = import_module(OBJECTIVES[name])
    objective: Objective = module
    return objective
