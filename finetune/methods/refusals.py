"""Why a method cannot be used on a model or for an objective, told from config.json alone; loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Config = Mapping[str, Any]  # what config.json says
Rule = Callable[[str, Config], str | None]  # objective and config to a reason, or None

# Families whose linear layers and norms have no bias unless config.json says so, and the fields that say it.
# Seen in transformers 5.23 (modeling_*.py), 2026-11.
BIAS_FIELDS: dict[str, tuple[str, ...]] = {
    "llama": ("attention_bias", "mlp_bias"),
    "mistral": (),
    "mixtral": (),
    "ministral": (),
    "qwen3": ("attention_bias",),
    "qwen3_moe": ("attention_bias",),
    "gemma": ("attention_bias",),
    "gemma2": ("attention_bias",),
    "gemma3_text": ("attention_bias",),
    "phi3": (),
    "olmo2": ("attention_bias",),
    "smollm3": ("attention_bias", "mlp_bias"),
}
CONV1D = ("gpt2", "openai-gpt")  # families built of transformers' Conv1D
# peft's table (tuners/adaption_prompt/config.py, 0.21).
ADAPTION = ("llama", "mistral", "gpt2")
# Encoders whose attention takes no keys and values from outside; each was tried in transformers 5.23, 2026-11.
WITHOUT_CACHE = ("distilbert", "mpnet", "albert", "deberta-v2", "modernbert")
# transformers lists these among the causal models too (as decoders of an encoder-decoder pair).
ENCODERS = (
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "electra",
    "data2vec-text",
    "roformer",
    "megatron-bert",
    "distilbert",
    "mpnet",
    "albert",
    "deberta-v2",
    "modernbert",
)


def writes_no_text(config: Config) -> str | None:
    kind = config["model_type"]
    masked = any("MaskedLM" in name for name in config.get("architectures") or ())
    if kind in ENCODERS or masked:
        return (
            f"a {kind} model does not write text; give a causal language model (Llama, Qwen, Mistral, ...), "
            "or train an encoder with --objective classify"
        )
    return None


def labels_only(objective: str, config: Config) -> str | None:
    if objective == "classify":
        return None
    if objective == "rerank":
        return "a logistic regression predicts labels and ranks no passages; take output_layer or lora"
    if objective == "reward":
        return "a logistic regression predicts labels and compares no answers; take output_layer or lora"
    return "a logistic regression predicts labels and writes no text; take the objective 'classify'"


def no_output(objective: str, config: Config) -> str | None:
    if objective == "embed":
        return (
            "a sentence embedder has no output layer, its vectors are the encoder's; take last_layers or lora"
        )
    return None


def no_biases(objective: str, config: Config) -> str | None:
    kind = config["model_type"]
    fields = BIAS_FIELDS.get(kind)
    if fields is None or any(config.get(field) for field in fields):
        return None
    return f"this {kind} model has no biases; take lora or houlsby"


def no_adaption(objective: str, config: Config) -> str | None:
    if objective in ("classify", "rerank", "reward", "span_qa"):
        return "peft stores no new head with a LLaMA-Adapter; take prefix"
    if config["model_type"] in ADAPTION:
        return None
    return f"LLaMA-Adapter is made for {', '.join(ADAPTION)}, not for {config['model_type']}; take prefix"


def no_cache(objective: str, config: Config) -> str | None:
    kind = config["model_type"]
    if kind in WITHOUT_CACHE:
        return (
            f"a {kind} model takes no keys and values from outside, where a prefix would stand; take prompt"
        )
    return None


def expert_directions(objective: str, config: Config) -> str | None:
    return "DoRA does not split the weights of experts; take lora" if _has_experts(config) else None


def no_linear(objective: str, config: Config) -> str | None:
    if config["model_type"] in CONV1D:
        return "the layers of GPT-2 are no linear modules, and OFT rotates those alone; take lora"
    return None


def experts(objective: str, config: Config) -> str | None:
    if _has_experts(config):
        return "the feed-forward part of a mixture of experts is no linear layer; take lora"
    return None


def _has_experts(config: Config) -> bool:
    return any(config.get(field) for field in ("num_local_experts", "num_experts", "n_routed_experts"))


def shared_layers(objective: str, config: Config) -> str | None:
    if config["model_type"] == "albert":
        return "all layers of an ALBERT share one set of weights; take lora or full"
    return None
