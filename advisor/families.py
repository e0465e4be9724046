"""What the model families of Hugging Face build differently from LLaMA, as far as parameters and memory depend on it.

Read from transformers 5.23, models/<family>/modeling_<family>.py and configuration_<family>.py; Baichuan, ChatGLM,
InternLM and Qwen-1 from the modelling code beside their weights. tests/advisor/test_model_config.py builds the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Traits of a family; the defaults are LLaMA's. What config.json states itself wins."""

    kind: Literal["decoder", "encoder"] = "decoder"
    gated_mlp: bool = True
    tied: bool = False  # where config.json does not say
    norms_per_layer: int = 2
    outer_norms: int = 1  # the final norm, norms of the embeddings
    norm_numbers: int = 1  # per unit of width: 1 = a scale, 2 = a scale and a shift, 0 = neither
    missing_norms: int = 0  # ModernBERT's first layer has no norm before its attention
    qk_norm: Literal["no", "head", "full"] = "no"  # one scale for all heads, or one for the whole width
    qkv_bias: bool = False
    linear_bias: bool = False
    mlp_bias: bool = False
    output_bias: Literal["no", "always", "as_qkv"] = "no"  # of the attention's output projection
    head_bias: bool = False
    fused_qkv: bool = False  # one module, so one LoRA adapter
    fused_gate_up: bool = False
    positions_offset: int | None = None  # learned positions: rows beyond the context; None = none are learned
    token_types: int = 0
    pooler: bool = False
    shared_layers: bool = False  # ALBERT: one layer's weights for all
    shared_expert_gate: bool = False
    expert_bias: bool = False
    lora_experts: bool = (
        False  # peft 0.21 turns 'all-linear' into experts and router, and leaves other MLPs alone
    )
    attention_sinks: bool = False  # one learned number per head
    relative_rows: int = 0  # DeBERTa: rows of the table of relative positions
    relative_buckets: int = 0  # MPNet: one number per bucket and head


_BERT = Family(
    kind="encoder",
    gated_mlp=False,
    tied=True,
    norm_numbers=2,
    linear_bias=True,
    positions_offset=0,
    token_types=2,
    pooler=True,
)
_ROBERTA = Family(
    kind="encoder",
    gated_mlp=False,
    tied=True,
    norm_numbers=2,
    linear_bias=True,
    positions_offset=0,
    token_types=1,
    pooler=True,
)
_GPT2 = Family(
    gated_mlp=False, tied=True, norm_numbers=2, linear_bias=True, fused_qkv=True, positions_offset=0
)
_GPTJ = Family(gated_mlp=False, norms_per_layer=1, norm_numbers=2, mlp_bias=True, head_bias=True)
_OLMO2 = Family(qk_norm="full", output_bias="as_qkv")
_DEEPSEEK = Family(output_bias="as_qkv", lora_experts=True)

FAMILIES = {
    "albert": Family(
        kind="encoder",
        gated_mlp=False,
        tied=True,
        norm_numbers=2,
        linear_bias=True,
        positions_offset=0,
        token_types=2,
        pooler=True,
        shared_layers=True,
    ),
    "arcee": Family(gated_mlp=False, output_bias="as_qkv"),
    "baichuan": Family(fused_qkv=True),
    "bert": _BERT,
    "bloom": Family(
        gated_mlp=False, tied=True, outer_norms=2, norm_numbers=2, linear_bias=True, fused_qkv=True
    ),
    "camembert": _ROBERTA,
    "chatglm": Family(qkv_bias=True, fused_qkv=True, fused_gate_up=True),
    "codegen": Family(
        gated_mlp=False, norms_per_layer=1, norm_numbers=2, mlp_bias=True, head_bias=True, fused_qkv=True
    ),
    "cohere": Family(tied=True, norms_per_layer=1, qk_norm="full", output_bias="as_qkv"),
    "cohere2": Family(tied=True, norms_per_layer=1, output_bias="as_qkv"),
    "deberta-v2": Family(
        kind="encoder",
        gated_mlp=False,
        tied=True,
        outer_norms=2,
        norm_numbers=2,
        linear_bias=True,
        relative_rows=512,
    ),
    "deepseek_v2": _DEEPSEEK,
    "deepseek_v3": _DEEPSEEK,
    "distilbert": Family(
        kind="encoder", gated_mlp=False, tied=True, norm_numbers=2, linear_bias=True, positions_offset=0
    ),
    "electra": Family(
        kind="encoder",
        gated_mlp=False,
        tied=True,
        norm_numbers=2,
        linear_bias=True,
        positions_offset=0,
        token_types=2,
    ),
    "exaone4": Family(qk_norm="head"),
    "falcon": Family(gated_mlp=False, tied=True, norm_numbers=2, fused_qkv=True),
    "gemma": Family(tied=True, output_bias="as_qkv"),
    "gemma2": Family(tied=True, norms_per_layer=4, output_bias="as_qkv"),
    "gemma3_text": Family(tied=True, norms_per_layer=4, qk_norm="head", output_bias="as_qkv"),
    "glm": Family(fused_gate_up=True),
    "glm4_moe": Family(lora_experts=True),
    "glm4": Family(norms_per_layer=4, fused_gate_up=True),
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gpt_neo": Family(
        gated_mlp=False, tied=True, norm_numbers=2, mlp_bias=True, output_bias="always", positions_offset=0
    ),
    "gpt_neox": Family(gated_mlp=False, norm_numbers=2, linear_bias=True, fused_qkv=True),
    "gpt_oss": Family(qkv_bias=True, output_bias="as_qkv", expert_bias=True, attention_sinks=True),
    "gptj": _GPTJ,
    "granite": Family(output_bias="as_qkv"),
    "granitemoe": Family(output_bias="as_qkv"),
    "hunyuan_v1_dense": Family(qk_norm="head", output_bias="as_qkv"),
    "internlm": Family(qkv_bias=True, output_bias="as_qkv"),
    "internlm2": Family(fused_qkv=True, output_bias="as_qkv"),
    "llama": Family(output_bias="as_qkv"),
    "llama4_text": Family(output_bias="as_qkv"),
    "mistral": Family(),
    "mixtral": Family(lora_experts=True),
    "modernbert": Family(
        kind="encoder", tied=True, outer_norms=2, missing_norms=1, fused_qkv=True, fused_gate_up=True
    ),
    "mpnet": Family(
        kind="encoder",
        gated_mlp=False,
        tied=True,
        norm_numbers=2,
        linear_bias=True,
        positions_offset=0,
        pooler=True,
        relative_buckets=32,
    ),
    "mpt": Family(gated_mlp=False, tied=True, fused_qkv=True),
    "nemotron": Family(gated_mlp=False, norm_numbers=2, output_bias="as_qkv"),
    "olmo": Family(norm_numbers=0, output_bias="as_qkv"),
    "olmo2": _OLMO2,
    "olmo3": _OLMO2,
    "olmoe": Family(qk_norm="full", output_bias="as_qkv", lora_experts=True),
    "opt": Family(gated_mlp=False, tied=True, norm_numbers=2, linear_bias=True, positions_offset=2),
    "phi": Family(gated_mlp=False, norms_per_layer=1, norm_numbers=2, linear_bias=True, head_bias=True),
    "phimoe": Family(norm_numbers=2, output_bias="as_qkv"),
    "phi3": Family(fused_qkv=True, fused_gate_up=True),
    "qwen": Family(qkv_bias=True, fused_qkv=True),
    "qwen2": Family(qkv_bias=True),
    "qwen2_moe": Family(qkv_bias=True, shared_expert_gate=True),
    "qwen3": Family(qk_norm="head", output_bias="as_qkv"),
    "qwen3_moe": Family(qk_norm="head", output_bias="as_qkv", lora_experts=True),
    "roberta": _ROBERTA,
    "smollm3": Family(tied=True, output_bias="as_qkv"),
    "stablelm": Family(norm_numbers=2),
    "starcoder2": Family(gated_mlp=False, tied=True, norm_numbers=2, linear_bias=True),
    "xlm-roberta": _ROBERTA,
}
# The language towers of models that also see or hear are built like these.
FAMILIES |= {
    "gemma3": FAMILIES["gemma3_text"],
    "qwen2_vl": FAMILIES["qwen2"],
    "qwen2_vl_text": FAMILIES["qwen2"],
    "qwen2_5_vl": FAMILIES["qwen2"],
    "qwen2_5_vl_text": FAMILIES["qwen2"],
    "qwen3_vl_text": FAMILIES["qwen3"],
    "xlm-roberta-xl": _ROBERTA,
}
_LLAMA_LIKE, _PLAIN = Family(), Family(norm_numbers=2)


def family_of(name: str, kind: str = "decoder", *, linear_bias: bool = False) -> Family:
    """The traits of a family; of an unknown one LLaMA's, BERT's for an encoder, shifted norms where all is biased."""
    known = FAMILIES.get(name)
    if known is not None:
        return known
    return _BERT if kind == "encoder" else _PLAIN if linear_bias else _LLAMA_LIKE
