"""Reads the shape of a model from the config.json that its publisher put beside the weights.

What such files call things, and which of them are refused, stands in config_file.py.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

from .config_file import ConfigFile, open_config
from .families import family_of
from .setups import ModelSpec


def read_config(config: str | Path | dict[str, Any]) -> ModelSpec:
    """A config.json by path, folder or content; of a model that also sees or hears, its language tower.

    Raises ValueError naming the file and what it lacks, and for what is no text transformer.
    """
    return _spec(open_config(config))


def _spec(config: ConfigFile) -> ModelSpec:
    says, name = config.says, config.family
    family = family_of(name, "encoder" if _bidirectional(config) else "decoder")
    heads, hidden, layers = config.need("heads"), config.need("hidden"), config.need("layers")
    bias = bool(says("enable_bias", "use_bias", "add_bias_linear", default=family.linear_bias))
    if name == "gpt_neox":
        bias = bool(says("attention_bias", default=True))
    elif name == "falcon":
        bias = bool(says("bias", default=False))
    context = config.find("context")
    return ModelSpec(
        name=str(config.content.get("_name_or_path") or name or "config.json"),
        layers=layers,
        hidden=hidden,
        intermediate=_intermediate(config, name, hidden),
        heads=heads,
        kv_heads=_kv_heads(config, name, heads),
        vocab=config.need("vocab"),
        head_dim=_head_dim(config, heads, hidden),
        tied_embeddings=bool(says("tie_word_embeddings", default=family.tied)),
        context_tokens=context,
        gated_mlp=family.gated_mlp,
        kind=family.kind,
        family=name,
        attention_bias=bool(
            says("qkv_bias", "use_qkv_bias", "add_qkv_bias", "attention_bias", default=family.qkv_bias)
            or (name == "internlm" and says("bias", default=True))
        ),
        linear_bias=bias,
        norms_per_layer=_norms_per_layer(config, name, family.norms_per_layer),
        qk_norm=_qk_norm(config, family.qk_norm != "no"),
        positions=(context or 512) + family.positions_offset if family.positions_offset is not None else 0,
        embedding_width=_embedding_width(config, hidden),
        **_experts(config, layers),
        **_latent(config),
        **_windows(config, name, layers, context),
    )


def _bidirectional(config: ConfigFile) -> bool:
    """An encoder of unknown family is known by what it was trained for."""
    trained = " ".join(config.says("architectures", default=()) or ())
    return any(part in trained for part in ("MaskedLM", "ForPreTraining", "SequenceClassification"))


def _intermediate(config: ConfigFile, name: str, hidden: int) -> int:
    stated = config.find("intermediate")
    if name == "llama4_text":
        return int(config.says("intermediate_size_mlp", default=stated))
    if name == "qwen":  # the first Qwen states the summed width of its gate and up projections
        return config.need("intermediate") // 2
    if stated is None and "expansion_ratio" in config.content:  # MPT
        return int(config.content["expansion_ratio"] * hidden)
    # GPT-2, GPT-J, BLOOM and Falcon leave out what is four times the hidden size.
    if stated is None and family_of(name).gated_mlp and name:
        return config.need("intermediate")
    return stated or 4 * hidden


def _kv_heads(config: ConfigFile, name: str, heads: int) -> int:
    says = config.says
    if name == "falcon" and not says("new_decoder_architecture"):
        return 1 if says("multi_query", default=True) else heads
    if name == "gpt_bigcode":
        return 1 if says("multi_query", default=True) else heads
    if name == "chatglm" and not says("multi_query_attention"):
        return heads
    nested = says("attn_config", default={})
    return (
        config.find("kv_heads") or (nested.get("kv_n_heads") if isinstance(nested, dict) else None) or heads
    )


def _head_dim(config: ConfigFile, heads: int, hidden: int) -> int | None:
    latent = config.says("qk_nope_head_dim")
    if latent is not None:
        return int(latent) + int(config.content["qk_rope_head_dim"])
    stated = config.find("head_dim")
    return stated if stated is not None and stated * heads != hidden else None


def _qk_norm(config: ConfigFile, default: bool) -> bool:
    """Llama 4 normalises without learned scales; Cohere has them in its largest models only."""
    if config.family == "llama4_text":
        return False
    return bool(config.says("use_qk_norm", "qk_layernorm", default=default and config.family != "cohere"))


def _norms_per_layer(config: ConfigFile, name: str, default: int) -> int:
    says = config.says
    if name == "falcon":
        if says("new_decoder_architecture"):
            return int(says("num_ln_in_parallel_attn", default=2))
        return 1 if says("parallel_attn", default=True) else 2
    if name == "stablelm" and says("use_parallel_residual"):
        return 1
    return default


def _embedding_width(config: ConfigFile, hidden: int) -> int | None:
    """ALBERT always projects its embeddings, others where the widths differ."""
    width = config.says("embedding_size", "word_embed_proj_dim")
    if width is None or (width == hidden and config.family != "albert"):
        return None
    return int(width)


def _experts(config: ConfigFile, layers: int) -> dict[str, Any]:
    experts = config.find("experts")
    if not experts or experts < 2:
        return {}
    says = config.says
    if config.family == "llama4_text":
        return _llama4_experts(config, layers, experts)
    width = says("moe_intermediate_size", "expert_intermediate_size")
    shared = says("shared_expert_intermediate_size") or (says("n_shared_experts") or 0) * (width or 0)
    return {
        "experts": experts,
        "experts_per_token": config.find("experts_per_token"),
        "expert_intermediate": width,
        "shared_intermediate": int(shared),
        "dense_layers": _dense_layers(config, layers),
    }


def _llama4_experts(config: ConfigFile, layers: int, experts: int) -> dict[str, Any]:
    """Llama 4 states the width of an expert, which is also that of the shared one, and puts them into some layers."""
    width, moe = config.need("intermediate"), config.says("moe_layers")
    step = int(config.says("interleave_moe_layer_step", default=1))
    return {
        "experts": experts,
        "experts_per_token": config.find("experts_per_token"),
        "expert_intermediate": width,
        "shared_intermediate": width,
        "dense_layers": layers - (len(moe) if isinstance(moe, list) else layers // step),
    }


def _dense_layers(config: ConfigFile, layers: int) -> int:
    """DeepSeek starts with dense layers; Qwen names them, or puts experts into every n-th layer only."""
    says = config.says
    first = int(says("first_k_dense_replace", default=0))
    types = says("mlp_layer_types")
    if isinstance(types, list):
        return sum(kind == "dense" for kind in types)
    named = set(says("mlp_only_layers", default=()))
    step = int(says("decoder_sparse_step", "moe_layer_freq", default=1))
    return sum(
        layer < first or layer in named or (layer if first else layer + 1) % step != 0
        for layer in range(layers)
    )


def _latent(config: ConfigFile) -> dict[str, Any]:
    """Multi-head latent attention: what is cached, and the widths behind it (DeepSeek-V2, arXiv 2405.04434)."""
    rank = config.says("kv_lora_rank")
    if rank is None:
        return {}
    rope = int(config.content["qk_rope_head_dim"])
    return {
        "kv_latent": int(rank) + rope,
        "rope_dim": rope,
        "q_latent": int(config.says("q_lora_rank", default=0)),
        "value_dim": config.says("v_head_dim"),
    }


def _windows(config: ConfigFile, name: str, layers: int, context: int | None) -> dict[str, Any]:
    """Layers that attend only within a sliding window, and its width in tokens."""
    says = config.says
    window = says("sliding_window", "local_attention", "window_size")
    if not isinstance(window, int) or says("use_sliding_window", default=True) is False:
        return {}
    types = says("layer_types")
    pattern = says("sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers")
    if isinstance(types, list):
        local = sum("sliding" in str(kind) for kind in types)
    elif name == "gemma2":
        local = ceil(layers / 2)
    elif isinstance(pattern, int) or name == "gemma3_text":
        every = pattern if isinstance(pattern, int) else 6
        # ModernBERT attends globally in the first of every three layers, Gemma 3 in the last of every six.
        local = layers - (ceil(layers / every) if name == "modernbert" else layers // every)
    elif name in ("qwen2", "qwen2_moe", "qwen3"):
        local = max(0, layers - int(says("max_window_layers", default=layers)))
    else:
        local = layers if context is None or window < context else 0
    return {"window_tokens": window, "local_layers": local} if local else {}
