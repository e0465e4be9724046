"""Finds the layers of a transformer and their parts by the names that model families give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

# The last linear layer of each half of a layer, and the projections to keys and values (fused with the queries
# in some families). Names in transformers 5.23: Llama, Qwen, Mistral, Gemma, Phi-3 | OPT, BART | GPT-2 | BERT,
# RoBERTa, ELECTRA | DistilBERT | GPT-NeoX, Falcon, BLOOM | MPNet.
ATTENTION_OUT = ("o_proj", "out_proj", "c_proj", "output.dense", "out_lin", "dense", "o")
FEED_FORWARD_OUT = ("down_proj", "fc2", "c_proj", "output.dense", "lin2", "dense_4h_to_h")
KEYS_VALUES = (
    *("k_proj", "v_proj", "c_attn", "qkv_proj", "key", "value"),
    *("k_lin", "v_lin", "query_key_value", "k", "v"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Names of one layer's linear layers, within that layer."""

    attention_out: str
    feed_forward_out: str
    keys_values: tuple[str, ...]


def layers(model: nn.Module) -> list[nn.Module]:
    """The model's transformer layers, from the input upwards. Raises ValueError when none are found."""
    config: Any = model.config
    wanted = int(config.num_hidden_layers)
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return list(module)
    raise ValueError(f"The layers of this {config.model_type} model were not found; take lora or full.")


def parts(layer: nn.Module) -> Parts:
    """Where a layer's two halves end. Raises ValueError for a layer that is built in another way."""
    names = [name for name, part in layer.named_modules() if isinstance(part, (nn.Linear, Conv1D))]
    attending = [name for name in names if "att" in name.lower()]
    others = [name for name in names if name not in attending]
    attention_out = _named(attending, ATTENTION_OUT)
    feed_forward_out = _named(others, FEED_FORWARD_OUT)
    keys_values = tuple(name for name in attending if name.rpartition(".")[2] in KEYS_VALUES)
    if not (attention_out and feed_forward_out and keys_values):
        raise ValueError(f"A layer of the kind {type(layer).__name__} is not known here; take lora or full.")
    return Parts(attention_out=attention_out, feed_forward_out=feed_forward_out, keys_values=keys_values)


def _named(names: list[str], ends: tuple[str, ...]) -> str | None:
    return next((name for end in ends for name in names if f".{name}".endswith(f".{end}")), None)
