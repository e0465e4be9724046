"""Shapes as published config.json files state them, against the parameter counts of the published weights."""

import pytest

from advisor.model_config import read_config
from advisor.shape import count_parameters

# Only what the reader needs of each file; counts are those of the weights on the Hugging Face hub: of DeepSeek-V3
# without its router's balancing offsets, which are no parameters in transformers; of Llama 4 the language tower.
PUBLISHED = {
    "openai-community/gpt2": ({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12,
        "n_positions": 1024, "n_ctx": 1024, "vocab_size": 50257}, 124_439_808),
    "facebook/opt-125m": ({"model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "vocab_size": 50272, "ffn_dim": 3072, "max_position_embeddings": 2048,
        "word_embed_proj_dim": 768}, 125_239_296),
    "facebook/opt-350m": ({"model_type": "opt", "hidden_size": 1024, "num_hidden_layers": 24,
        "num_attention_heads": 16, "vocab_size": 50272, "ffn_dim": 4096, "max_position_embeddings": 2048,
        "word_embed_proj_dim": 512}, 331_196_416),
    "EleutherAI/pythia-1.4b": ({"model_type": "gpt_neox", "hidden_size": 2048, "num_hidden_layers": 24,
        "num_attention_heads": 16, "vocab_size": 50304, "intermediate_size": 8192, "tie_word_embeddings":
        False, "max_position_embeddings": 2048}, 1_414_647_808),
    "bigscience/bloom-560m": ({"model_type": "bloom", "n_embed": 1024, "hidden_size": 1024, "n_layer":
        24, "num_attention_heads": 16, "vocab_size": 250880}, 559_214_592),
    "mosaicml/mpt-7b": ({"model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32,
        "expansion_ratio": 4, "vocab_size": 50432, "max_seq_len": 2048, "no_bias": True}, 6_649_286_656),
    "tiiuae/falcon-7b": ({"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
        "num_attention_heads": 71, "vocab_size": 65024, "multi_query": True, "parallel_attn": True, "bias":
        False, "alibi": False, "new_decoder_architecture": False}, 6_921_720_704),
    "tiiuae/falcon-40b": ({"model_type": "RefinedWeb", "hidden_size": 8192, "num_hidden_layers": 60,
        "num_attention_heads": 128, "vocab_size": 65024, "num_kv_heads": 8, "parallel_attn": True, "bias":
        False, "alibi": False, "new_decoder_architecture": True}, 41_303_293_952),
    "EleutherAI/gpt-j-6b": ({"model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16,
        "n_positions": 2048, "vocab_size": 50400, "rotary_dim": 64, "tie_word_embeddings": False},
        6_050_882_784),
    "EleutherAI/gpt-neo-1.3B": ({"model_type": "gpt_neo", "hidden_size": 2048, "num_layers": 24,
        "num_heads": 16, "vocab_size": 50257, "intermediate_size": None, "max_position_embeddings": 2048},
        1_315_575_808),
    "microsoft/phi-1_5": ({"model_type": "phi", "hidden_size": 2048, "num_hidden_layers": 24,
        "num_attention_heads": 32, "vocab_size": 51200, "intermediate_size": 8192, "num_key_value_heads":
        None, "max_position_embeddings": 2048}, 1_418_270_720),
    "microsoft/phi-2": ({"model_type": "phi", "hidden_size": 2560, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 51200, "intermediate_size": 10240, "num_key_value_heads":
        32}, 2_779_683_840),
    "stabilityai/stablelm-2-1_6b": ({"model_type": "stablelm", "hidden_size": 2048, "num_hidden_layers":
        24, "num_attention_heads": 32, "vocab_size": 100352, "intermediate_size": 5632,
        "num_key_value_heads": 32, "use_qkv_bias": True, "tie_word_embeddings": False}, 1_644_515_328),
    "bigcode/starcoder2-3b": ({"model_type": "starcoder2", "hidden_size": 3072, "num_hidden_layers": 30,
        "num_attention_heads": 24, "vocab_size": 49152, "intermediate_size": 12288, "num_key_value_heads":
        2, "use_bias": True}, 3_030_371_328),
    "allenai/OLMo-1B-hf": ({"model_type": "olmo", "hidden_size": 2048, "num_hidden_layers": 16,
        "num_attention_heads": 16, "vocab_size": 50304, "intermediate_size": 8192, "num_key_value_heads":
        16, "tie_word_embeddings": True}, 1_176_764_416),
    "CohereForAI/c4ai-command-r-v01": ({"model_type": "cohere", "hidden_size": 8192,
        "num_hidden_layers": 40, "num_attention_heads": 64, "vocab_size": 256000, "intermediate_size":
        22528, "num_key_value_heads": 64, "use_qk_norm": False}, 34_980_831_232),
    "deepseek-ai/DeepSeek-V3": ({"model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers":
        61, "num_attention_heads": 128, "vocab_size": 129280, "num_key_value_heads": 128,
        "intermediate_size": 18432, "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 256, "n_shared_experts": 1,
        "num_experts_per_tok": 8, "moe_intermediate_size": 2048, "first_k_dense_replace": 3,
        "moe_layer_freq": 1}, 671_026_404_352),
    "openai/gpt-oss-20b": ({"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24,
        "num_attention_heads": 64, "vocab_size": 201088, "num_key_value_heads": 8, "head_dim": 64,
        "intermediate_size": 2880, "num_local_experts": 32, "experts_per_token": 4, "num_experts_per_tok":
        4, "attention_bias": True, "sliding_window": 128}, 20_914_757_184),
    "Qwen/Qwen2.5-VL-7B-Instruct": ({"model_type": "qwen2_5_vl", "hidden_size": 3584,
        "num_hidden_layers": 28, "num_attention_heads": 28, "vocab_size": 152064, "num_key_value_heads": 4,
        "intermediate_size": 18944, "vision_config": {"hidden_size": 1280}}, 7_615_616_512),
    "Qwen/Qwen1.5-MoE-A2.7B": ({"model_type": "qwen2_moe", "hidden_size": 2048, "num_hidden_layers": 24,
        "num_attention_heads": 16, "vocab_size": 151936, "num_key_value_heads": 16, "intermediate_size":
        5632, "num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 1408,
        "shared_expert_intermediate_size": 5632, "decoder_sparse_step": 1}, 14_315_784_192),
    "allenai/OLMoE-1B-7B-0924": ({"model_type": "olmoe", "hidden_size": 2048, "num_hidden_layers": 16,
        "num_attention_heads": 16, "vocab_size": 50304, "num_key_value_heads": 16, "intermediate_size":
        1024, "num_experts": 64, "num_experts_per_tok": 8}, 6_919_161_856),
    "THUDM/glm-4-9b": ({"model_type": "chatglm", "num_layers": 40, "hidden_size": 4096,
        "ffn_hidden_size": 13696, "num_attention_heads": 32, "multi_query_attention": True,
        "multi_query_group_num": 2, "padded_vocab_size": 151552, "kv_channels": 128, "seq_length": 131072,
        "add_qkv_bias": True, "add_bias_linear": False, "tie_word_embeddings": False}, 9_399_951_360),
    "answerdotai/ModernBERT-base": ({"model_type": "modernbert", "hidden_size": 768,
        "num_hidden_layers": 22, "num_attention_heads": 12, "vocab_size": 50368, "intermediate_size": 1152,
        "max_position_embeddings": 8192, "local_attention": 128, "global_attn_every_n_layers": 3},
        149_014_272),
    "microsoft/deberta-v3-base": ({"model_type": "deberta-v2", "hidden_size": 768, "num_hidden_layers":
        12, "num_attention_heads": 12, "vocab_size": 128100, "intermediate_size": 3072,
        "max_position_embeddings": 512, "position_buckets": 256, "type_vocab_size": 0, "relative_attention":
        True, "position_biased_input": False}, 183_831_552),
    "albert/albert-base-v2": ({"model_type": "albert", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "vocab_size": 30000, "intermediate_size": 3072, "embedding_size": 128,
        "max_position_embeddings": 512}, 11_683_584),
    "ibm-granite/granite-3.1-2b-instruct": ({"model_type": "granite", "hidden_size": 2048,
        "num_hidden_layers": 40, "num_attention_heads": 32, "vocab_size": 49155, "num_key_value_heads": 8,
        "intermediate_size": 8192, "tie_word_embeddings": True}, 2_533_531_648),
    "meta-llama/Llama-4-Scout-17B-16E": ({"model_type": "llama4", "text_config": {"model_type":
        "llama4_text", "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40,
        "vocab_size": 202048, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192,
        "intermediate_size_mlp": 16384, "num_local_experts": 16, "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 1}}, 107_769_861_120),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_that_of_the_published_weights(name):
    config, parameters = PUBLISHED[name]
    assert count_parameters(read_config(config)).total == pytest.approx(parameters, rel=1e-5)
