"""Matrix products in bf16 around attention in fp32, for an encoder whose weights stay in fp32: a processor with AMX
trains fastest so, since PyTorch's backward pass of attention in bf16 is slow there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

ATTENTION = "sdpa_in_fp32"
# Of the families: the fields of config.json that say what share of the states is dropped in training.
DROPOUTS = (
    *(
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "dropout",
        "attention_dropout",
        "hidden_dropout",
    ),
    *("embedding_dropout", "mlp_dropout"),
)


def _attend(
    module: nn.Module,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    *,
    scaling: Any = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers calls an attention: rows x heads x tokens x width, and out with heads behind tokens."""
    with torch.autocast(query.device.type, enabled=False):
        mixed = nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    return mixed.transpose(1, 2).to(query.dtype).contiguous(), None


def attention() -> str:
    """The name under which transformers finds this attention."""
    AttentionInterface.register(ATTENTION, _attend)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    return ATTENTION


def mix(encoder: nn.Module) -> None:
    """From now on the encoder multiplies in bf16, and gives its states in fp32."""
    plain: Callable[..., Any] = encoder.forward

    @wraps(plain)
    def forward(*args: Any, **kwargs: Any) -> Any:
        device = next(encoder.parameters()).device.type
        with torch.autocast(device, torch.bfloat16):
            output = plain(*args, **kwargs)
        output.last_hidden_state = output.last_hidden_state.float()
        return output

    encoder.forward = forward


def without_dropout(config: Any) -> None:
    for name in DROPOUTS:
        if getattr(config, name, None):
            setattr(config, name, 0.0)
