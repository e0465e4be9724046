"""Reads the shape of a model from the config.json that its publisher put beside the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .setups import ModelSpec

# Families whose feed-forward block is two plain projections; the others of today gate it with a third.
_PLAIN_MLP = {
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "gpt2",
    "gpt_neox",
    "opt",
    "phi",
    "bloom",
    "falcon",
}
_ENCODERS = {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta-v2", "modernbert"}


def read_config(config: str | Path | dict[str, Any]) -> ModelSpec:
    """A config.json by path, folder or content. Raises ValueError naming a missing field."""
    if not isinstance(config, dict):
        path = Path(config)
        path = path / "config.json" if path.is_dir() else path
        try:
            config = json.loads(path.read_text("utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} is no JSON ({error}); give a Hugging Face config.json.") from None
        if not isinstance(config, dict):
            raise ValueError(f"{path} holds no JSON object; give a Hugging Face config.json.")
    return _spec(config)


def _spec(config: dict[str, Any]) -> ModelSpec:
    def number(*keys: str) -> int:
        for key in keys:
            if isinstance(config.get(key), int):
                return int(config[key])
        raise ValueError(f"config.json lacks {keys[0]!r}; give a Hugging Face config of a transformer model.")

    heads = number("num_attention_heads", "n_head")
    hidden = number("hidden_size", "n_embd")
    return ModelSpec(
        name=str(config.get("_name_or_path") or config.get("model_type") or "config.json"),
        layers=number("num_hidden_layers", "n_layer"),
        hidden=hidden,
        intermediate=int(config.get("intermediate_size") or config.get("n_inner") or 4 * hidden),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        vocab=number("vocab_size"),
        head_dim=config.get("head_dim"),
        tied_embeddings=bool(config.get("tie_word_embeddings", False)),
        context_tokens=config.get("max_position_embeddings"),
        gated_mlp=config.get("model_type") not in _PLAIN_MLP,
        kind="encoder" if config.get("model_type") in _ENCODERS else "decoder",
    )
