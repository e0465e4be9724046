"""The records that training reads and leaves: examples, settings, results and the card beside an adapter's
weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One training row: a conversation whose last turn is the target (SFT), or a text with a label
    (classification)."""

    messages: tuple[dict[str, str], ...] = ()  # {"role": ..., "content": ...}
    text: str = ""
    label: str | None = None
    split: str = "train"  # train, dev, test
    line: int = 0  # where it stood in its file, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One run. None means the method's default, whose source stands beside it in methods/."""

    model: str  # local folder, hub name, or "minilm"
    out: str
    method: str = "lora"  # full, lora, qlora
    objective: str = "sft"  # sft, classify
    epochs: float = 3.0
    max_steps: int | None = None
    learning_rate: float | None = None
    batch_size: int = 4
    accumulation: int = 1
    max_length: int = 1024  # tokens; longer rows are cut and counted
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    warmup_share: float = 0.05
    gradient_checkpointing: bool | None = None
    save_steps: int = 50
    seed: int = 42
    resume: bool = False  # go on from the last complete checkpoint
    overwrite: bool = False  # replace a finished or interrupted run at `out`


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCard:
    """What an adapter is and where it came from; stored as adapter_card.json beside the weights."""

    base_model: str
    base_hash: str  # of the base's config and weights
    method: str
    objective: str
    trainable_params: int
    total_params: int
    rows: int
    data_hash: str
    metrics_before: dict[str, float]
    metrics_after: dict[str, float]
    config: dict[str, Any]
    libraries: dict[str, str]
    created: str  # ISO 8601, UTC
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a run left: the folder, its card, the loss of each logged step and what was cut or dropped."""

    path: str
    card: AdapterCard
    seconds: float
    steps: int
    losses: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)  # "3 rows cut at 1024 tokens"
