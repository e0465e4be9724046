"""Losses that never hold all logits in fp32, as far as plain torch operators can stand in for their kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from .setups import TrainSetup
from .simulated_card import CHECKPOINT

_READY_PIECES = 8  # torchtune's CEWithChunkedOutputLoss cuts the hidden states into 8


def choose_loss(base: Any, setup: TrainSetup) -> None:
    """Puts the setup's loss in the place of the one that transformers runs; an encoder keeps its own."""
    if base.get_output_embeddings() is None:
        return
    if setup.loss_kernel != "stock":
        base.loss_function = _in_pieces(base, recomputed=setup.loss_kernel == "chunked")
    elif setup.loss_dtype == "16bit":
        base.loss_function = _not_upcast


def _not_upcast(logits: torch.Tensor, labels: torch.Tensor, vocab_size: int, **_: Any) -> torch.Tensor:
    """As models' own code did before transformers upcast: the shifted logits are copied and stay in 16 bits."""
    shifted = logits[..., :-1, :].contiguous().view(-1, vocab_size)
    return F.cross_entropy(shifted, labels[..., 1:].reshape(-1))


def _in_pieces(base: Any, recomputed: bool) -> Callable[..., torch.Tensor]:
    """Head and loss piece by piece over the rows.

    `recomputed`: each piece again in the backward pass, an approximation of the kernels that fuse both: pieces are as
    long as Liger's (github.com/linkedin/Liger-Kernel, fused_linear_cross_entropy: the logits of one piece take about
    the bytes of the hidden states). Otherwise logits and log-softmax of every piece stay, as in torchtune.
    """
    head = base.get_output_embeddings()
    project, config = head.forward, base.config.get_text_config()
    head.forward = lambda hidden: hidden
    cap = getattr(config, "final_logit_softcapping", None)
    config.final_logit_softcapping = None

    def piece_loss(hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = project(hidden)
        logits = torch.tanh(logits / cap) * cap if cap else logits
        return F.cross_entropy(logits.float(), labels, reduction="sum")

    def loss(logits: torch.Tensor, labels: torch.Tensor, vocab_size: int, **_: Any) -> torch.Tensor:
        hidden: Any = logits.flatten(0, 1)
        wanted: Any = labels.flatten()
        rows = hidden.shape[0]
        length = _piece_rows(rows, vocab_size, hidden.shape[1]) if recomputed else -(-rows // _READY_PIECES)
        total: torch.Tensor = torch.zeros(())
        for given in zip(hidden.split(length), wanted.split(length), strict=True):
            total = total + (
                checkpoint(piece_loss, *given, **CHECKPOINT) if recomputed else piece_loss(*given)
            )
        return total.div(rows)

    return loss


def _piece_rows(rows: int, vocab: int, hidden: int) -> int:
    """Liger's rule: rows over ceil(vocab / hidden) pieces, rounded up to a power of two."""
    share = -(-rows // -(-vocab // hidden))
    return 1 << (share - 1).bit_length()
