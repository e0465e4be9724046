"""A catalogued shape as the content of a config.json, from which transformers builds the model's own code."""

from __future__ import annotations

from typing import Any

from .setups import ModelSpec


def hub_config(model: ModelSpec) -> dict[str, Any]:
    """What transformers needs to build the model without its files; the rest is the family's default.

    Raises ValueError for shapes whose config has more to it: compressed keys and values, shared experts, layers
    without experts among those with.
    """
    if not model.family or model.kv_latent or model.shared_intermediate or model.dense_layers:
        raise ValueError(
            f"The catalogue does not hold all that the code of {model.name} asks for; give its file with --config."
        )
    stated = {
        "model_type": model.family,
        "num_hidden_layers": model.layers,
        "hidden_size": model.hidden,
        "intermediate_size": model.intermediate,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "vocab_size": model.vocab,
        "max_position_embeddings": model.context_tokens,
        "tie_word_embeddings": model.tied_embeddings,
        "sliding_window": model.window_tokens,
        "num_local_experts": model.experts,  # as Mixtral calls them
        "num_experts": model.experts,  # as Qwen3 does
        "num_experts_per_tok": model.experts_per_token,
        "moe_intermediate_size": model.expert_intermediate,
    }
    return {key: value for key, value in stated.items() if value is not None}
