"""Writes down what a run made: the card beside the weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from finetune import processes
from finetune.objectives import Job
from finetune.schema import AdapterCard, TrainConfig
from finetune.starting import started_from
from finetune.weights import parameter_count

LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")


def make_card(
    config: TrainConfig, base: Path, fingerprint: dict[str, str], job: Job, **found: Any
) -> AdapterCard:
    """The card of a run that has ended; `found` are the scores and measurements among its fields."""
    import torch

    weights = list(job.trainer.model.parameters())
    trained = sum(weight.numel() for weight in weights if weight.requires_grad)
    # Counted on disk where a base is in 4 bits: its weights are packed two to a number.
    packed = any(weight.dtype == torch.uint8 for weight in weights)
    total = trained + parameter_count(base) if packed else sum(weight.numel() for weight in weights)
    return AdapterCard(
        base_model=config.model,
        base_hash=fingerprint["base_hash"],
        method=config.method,
        objective=config.objective,
        trainable_params=trained,
        total_params=total,
        rows=job.rows,
        data_hash=fingerprint["data_hash"],
        config=json.loads(json.dumps(asdict(config))),  # as it will be read back: JSON knows no tuples
        libraries=_versions(),
        processes=processes.count(),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        labels=job.labels,
        started_from=started_from(config),
        **found,
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
