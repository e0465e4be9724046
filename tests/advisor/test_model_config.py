import json

import pytest

from advisor import ModelSpec
from advisor.model_config import read_config
from advisor.shape import count_parameters

from .model_zoo import DECODERS, ENCODERS, config_of, on_meta

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 160,
    "vocab_size": 99,
    "max_position_embeddings": 128,
}


@pytest.mark.parametrize("name", [*ENCODERS, *DECODERS])
def test_the_count_is_that_of_the_model_that_transformers_builds(name):
    config = config_of(name)
    true = sum(parameter.numel() for parameter in on_meta(config, name).parameters())
    assert count_parameters(read_config(config.to_dict())).total == true


def test_of_a_model_that_also_sees_the_language_tower_is_read():
    tower = {**LLAMA, "model_type": "qwen2"}
    config = {"model_type": "qwen2_vl", "text_config": tower, "vision_config": {"hidden_size": 1280}}
    assert read_config(config) == read_config(tower)


def test_a_tower_that_leaves_out_its_class_s_defaults_is_completed():
    """google/gemma-3-4b-it states six fields of its language tower and leaves the rest to Gemma3TextConfig."""
    tower = {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
    }
    config = {"model_type": "gemma3", "text_config": {**tower, "sliding_window": 1024}, "vision_config": {}}
    spec = read_config(config)
    assert (spec.heads, spec.kv_heads, spec.head_dim, spec.vocab) == (8, 4, 256, 262208)
    assert count_parameters(spec).total == 3_880_263_168  # the language tower of google/gemma-3-4b-it
    assert (spec.local_layers, spec.window_tokens) == (29, 1024)


def test_the_first_qwen_states_the_summed_width_of_gate_and_up():
    """Qwen/Qwen-7B: 7.72 billion parameters."""
    config = {
        "model_type": "qwen",
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "intermediate_size": 22016,
        "vocab_size": 151936,
        "kv_channels": 128,
        "seq_length": 8192,
        "tie_word_embeddings": False,
        "no_bias": True,
    }
    assert count_parameters(read_config(config)).total == 7_721_324_544


def test_chatglm_calls_everything_otherwise():
    """THUDM/chatglm3-6b: 6.24 billion parameters."""
    config = {
        "model_type": "chatglm",
        "num_layers": 28,
        "hidden_size": 4096,
        "ffn_hidden_size": 13696,
        "num_attention_heads": 32,
        "multi_query_attention": True,
        "multi_query_group_num": 2,
        "padded_vocab_size": 65024,
        "kv_channels": 128,
        "seq_length": 8192,
        "add_qkv_bias": True,
        "add_bias_linear": False,
        "tie_word_embeddings": False,
    }
    spec = read_config(config)
    assert (spec.kv_heads, spec.vocab, spec.context_tokens) == (2, 65024, 8192)
    assert count_parameters(spec).total == 6_243_584_000


@pytest.mark.parametrize(
    ("family", "extra", "billions"),
    [
        ("baichuan", {"hidden_size": 4096, "num_hidden_layers": 32, "vocab_size": 125696}, 7.506),
        ("internlm2", {"hidden_size": 4096, "num_key_value_heads": 8, "intermediate_size": 14336}, 7.738),
    ],
)
def test_families_whose_code_stands_beside_the_weights(family, extra, billions):
    config = {**LLAMA, "num_attention_heads": 32, "num_hidden_layers": 32, "intermediate_size": 11008}
    config |= {"model_type": family, "vocab_size": 92544, **extra}
    assert count_parameters(read_config(config)).total / 1e9 == pytest.approx(billions, abs=5e-4)


def test_deepseek_caches_the_latent_and_the_shared_rotary_key():
    """deepseek-ai/DeepSeek-V2-Lite: 15.7 billion parameters, 2.4 billion of them at work."""
    config = {
        "model_type": "deepseek_v2",
        "hidden_size": 2048,
        "num_hidden_layers": 27,
        "vocab_size": 102400,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "intermediate_size": 10944,
        "kv_lora_rank": 512,
        "q_lora_rank": None,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
        "n_routed_experts": 64,
        "n_shared_experts": 2,
        "num_experts_per_tok": 6,
        "moe_intermediate_size": 1408,
        "first_k_dense_replace": 1,
        "moe_layer_freq": 1,
    }
    spec = read_config(config)
    assert (spec.kv_latent, spec.dense_layers, spec.shared_intermediate) == (576, 1, 2816)
    assert count_parameters(spec).total == 15_706_484_224


@pytest.mark.parametrize(
    ("family", "tied"), [("llama", False), ("qwen2", False), ("gemma", True), ("gpt2", True), ("bert", True)]
)
def test_what_a_family_ties_by_default_where_the_config_says_nothing(family, tied):
    config = {**LLAMA, "model_type": family, "n_embd": 64}
    assert read_config(config).tied_embeddings is tied
    assert read_config({**config, "tie_word_embeddings": not tied}).tied_embeddings is not tied


@pytest.mark.parametrize(
    ("name", "extra", "local"),
    [
        ("gemma2", {"sliding_window": 64, "num_hidden_layers": 7}, 4),
        ("mistral", {"sliding_window": 64}, 2),
        ("mistral", {"sliding_window": None}, 0),
        ("phi3", {"sliding_window": 4096}, 0),
        ("qwen2", {"sliding_window": 64, "use_sliding_window": False}, 0),
        ("cohere2", {"sliding_window": 64, "layer_types": ["sliding_attention", "full_attention"]}, 1),
        ("modernbert", {"local_attention": 64, "global_attn_every_n_layers": 3, "num_hidden_layers": 22}, 14),
    ],
)
def test_layers_that_attend_within_a_window_are_counted(name, extra, local):
    assert read_config({**LLAMA, "model_type": name, **extra}).local_layers == local


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "mamba", "state_size": 16}, "state-space layers"),
        ({**LLAMA, "model_type": "jamba"}, "state-space layers"),
        ({"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.30"}, "diffusion model"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({**LLAMA, "num_hidden_layers": 0}, "says 0 for its layers"),
        (
            {key: value for key, value in LLAMA.items() if key != "intermediate_size"},
            "lacks 'intermediate_size'",
        ),
    ],
)
def test_what_is_no_text_transformer_gets_one_clear_line(config, words):
    with pytest.raises(ValueError, match=words) as refusal:
        read_config(config)
    assert "\n" not in str(refusal.value)


def test_a_missing_field_names_the_file_the_field_and_what_else_is_read(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"hidden_size": 64, "num_attention_heads": 4}), "utf-8")
    with pytest.raises(ValueError, match="lacks 'num_hidden_layers' .also read: n_layer") as refusal:
        ModelSpec.from_config(tmp_path)
    assert str(path) in str(refusal.value)


def test_what_is_no_json_is_refused_by_its_path(tmp_path):
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match=r"config\.json is no JSON"):
        ModelSpec.from_config(tmp_path)
    (tmp_path / "config.json").write_text("[]", "utf-8")
    with pytest.raises(ValueError, match="holds no JSON object"):
        ModelSpec.from_config(tmp_path / "config.json")
