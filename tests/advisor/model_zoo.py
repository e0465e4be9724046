"""Small random shapes of many families, for comparing the advisor's counts with the models that transformers builds."""

from __future__ import annotations

import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

_PLAIN = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
_GROUPED = {**_PLAIN, "num_key_value_heads": 2}
_WIDE_HEADS = {**_GROUPED, "head_dim": 32}
_GPT = {"vocab_size": 512, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128}
_FALCON = {
    "vocab_size": 512,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "alibi": False,
}
_EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2}
_DEEPSEEK = {
    **_PLAIN,
    "num_key_value_heads": 4,
    "n_routed_experts": 8,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "first_k_dense_replace": 1,
}
_LATENT = {**_DEEPSEEK, "kv_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 12}
_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
ENCODERS = {
    "albert": {**_PLAIN, "embedding_size": 32},
    "bert": _PLAIN,
    "camembert": {**_PLAIN, "type_vocab_size": 1},
    "deberta-v2": {
        **_PLAIN,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "distilbert": {
        "vocab_size": 512,
        "dim": 64,
        "n_layers": 3,
        "n_heads": 4,
        "hidden_dim": 160,
        "max_position_embeddings": 128,
    },
    "electra": {**_PLAIN, "embedding_size": 32},
    "modernbert": {**_PLAIN, **_TOKENS, "cls_token_id": 1, "sep_token_id": 2},
    "mpnet": _PLAIN,
    "roberta": {**_PLAIN, "type_vocab_size": 1},
    "xlm-roberta": {**_PLAIN, "type_vocab_size": 1},
}
DECODERS = {
    "arcee": _GROUPED,
    "bloom": {"vocab_size": 512, "hidden_size": 64, "n_layer": 3, "n_head": 4},
    "codegen": {**_GPT, "rotary_dim": 8},
    "cohere": _GROUPED,
    "cohere2": _GROUPED,
    "deepseek_v2": {**_LATENT, "q_lora_rank": 24, "n_shared_experts": 2},
    "deepseek_v3": {**_LATENT, "q_lora_rank": None, "n_shared_experts": 1},
    "exaone4": _GROUPED,
    "falcon": {**_FALCON, "multi_query": True, "bias": False, "parallel_attn": True},
    "falcon of 40B": {**_FALCON, "new_decoder_architecture": True, "num_kv_heads": 2, "bias": False},
    "falcon-rw": {**_FALCON, "multi_query": False, "parallel_attn": False, "bias": True, "alibi": True},
    "gemma": _WIDE_HEADS,
    "gemma2": _WIDE_HEADS,
    "gemma3_text": {**_WIDE_HEADS, "num_hidden_layers": 7},
    "glm": {**_GROUPED, "head_dim": 16, "attention_bias": True, "pad_token_id": 0},
    "glm4": {**_GROUPED, "head_dim": 16, "attention_bias": True, "pad_token_id": 0},
    "glm4_moe": {**_DEEPSEEK, "head_dim": 16, "num_key_value_heads": 2, "n_shared_experts": 1},
    "gpt2": _GPT,
    "gpt_bigcode": _GPT,
    "gpt_neo": {
        "vocab_size": 512,
        "hidden_size": 64,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "max_position_embeddings": 128,
    },
    "gpt_neox": _PLAIN,
    "gpt_oss": {**_GROUPED, "head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2},
    "gptj": {**_GPT, "rotary_dim": 8},
    "granite": _GROUPED,
    "granitemoe": {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "llama": _GROUPED,
    "llama with biases": {**_GROUPED, "attention_bias": True},
    "llama4_text": {
        **_GROUPED,
        "head_dim": 16,
        "intermediate_size_mlp": 96,
        "num_local_experts": 4,
        "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 2,
        "num_hidden_layers": 4,
    },
    "mistral": _GROUPED,
    "mixtral": {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "mpt": {"vocab_size": 512, "d_model": 64, "n_layers": 3, "n_heads": 4, "expansion_ratio": 4},
    "nemotron": {**_GROUPED, "head_dim": 16},
    "olmo": _GROUPED,
    "olmo2": _GROUPED,
    "olmoe": {**_GROUPED, **_EXPERTS},
    "opt": {
        "vocab_size": 512,
        "hidden_size": 64,
        "ffn_dim": 160,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "word_embed_proj_dim": 32,
    },
    "phi": _GROUPED,
    "phi3": {**_GROUPED, "pad_token_id": 0},
    "qwen2": _GROUPED,
    "qwen2_moe": {
        **_GROUPED,
        **_EXPERTS,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 96,
        "mlp_only_layers": [1],
    },
    "qwen3": _WIDE_HEADS,
    "qwen3_moe": {**_WIDE_HEADS, **_EXPERTS, "moe_intermediate_size": 32},
    "smollm3": {**_GROUPED, "pad_token_id": 0},
    "stablelm": {**_GROUPED, "use_qkv_bias": True},
    "starcoder2": _GROUPED,
}


def config_of(name: str) -> transformers.PretrainedConfig:
    """The small config of a family; words behind its name only tell variants apart."""
    family = name.split(" ")[0].removesuffix("-rw")
    return CONFIG_MAPPING[family](**(ENCODERS | DECODERS)[name])


def on_meta(config: transformers.PretrainedConfig, name: str) -> torch.nn.Module:
    """The model on the meta device, where weights take no memory."""
    make = transformers.AutoModel if name in ENCODERS else transformers.AutoModelForCausalLM
    with torch.device("meta"):
        return make.from_config(config)
