"""Finds whether a model has trained weights that a row may pass by, such as those of experts: DDP then has to look for
them in every step, which costs time, and otherwise waits for their gradients for ever."""

from __future__ import annotations

from typing import Any

import torch


def has_idle_weights(trainer: Any) -> bool:
    """Whether a pass over the first row leaves a trained weight without a gradient; the model stays as it was."""
    model = trainer.model
    batch = trainer._prepare_inputs(trainer.data_collator([trainer.train_dataset[0]]))
    was_training, cards = model.training, range(torch.cuda.device_count())
    model.train()
    with torch.random.fork_rng(devices=cards):
        with trainer.compute_loss_context_manager():
            loss = trainer.compute_loss(model, batch)
        loss.backward()
    idle = any(weight.requires_grad and weight.grad is None for weight in model.parameters())
    model.zero_grad()
    model.train(was_training)
    return idle
