"""What somebody asks of a round of improvement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.feedback_sides import Kind
from apps.numbers_of import numbers_of

# Of training, what shapes the outcome; each is a field of TrainConfig.
TRAINING = (
    *("method", "learning_rate", "epochs", "max_steps", "batch_size", "accumulation", "max_length", "seed"),
    *("gradient_checkpointing", "beta", "general"),
)


def _gate(name: str) -> Any:
    return field(default_factory=lambda: numbers_of("improve")["gate"][name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One call of `advisor improve`. What is None is left to the adapter's card, the feedback or the defaults."""

    store: str  # of feedback: a file or a database URL
    adapter: Path  # what is improved; nothing needs to be there yet
    model: str | None = None  # the base; the adapter's card names it
    kind: Kind | None = None
    examples: str | None = None  # questions with answers on which it must not become worse
    max_forgetting: float = _gate("max_forgetting")
    mask: bool = False
    context: bool = True
    training: Mapping[str, Any] = field(default_factory=dict)  # see TRAINING
    allow: tuple[str, ...] = ()
    promote: bool = True
    restart: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """What shapes a candidate: a round that was interrupted goes on with the same."""
        return {
            "kind": self.kind,
            "mask": self.mask,
            "context": self.context,
            **{name: self.training.get(name) for name in TRAINING},
        }
