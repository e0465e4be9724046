"""Soft prompts: trained vectors before the text (prompt tuning, P-tuning) or before the keys and values of every
layer (prefix tuning, P-tuning v2); the model itself is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model

from finetune.methods import frozen
from finetune.methods.whole_checkpoints import keep_beside_checkpoints
from finetune.schema import TrainConfig
from finetune.weights import resolve_model

loading = frozen.loading
BEFORE_TEXT = ("prompt", "p_tuning")
IN_CACHE = ("prefix", "p_tuning_v2")


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    make = {"prompt": _prompt, "p_tuning": _p_tuning, "prefix": _prefix, "p_tuning_v2": _prefix}
    # Of a network behind the vectors only the outcome was stored: a run that goes on trains the vectors themselves.
    kind = "prompt" if config.method == "p_tuning" and config.adapter else config.method
    settings = make[kind](model, config)
    settings.task_type = task
    insert(model, config)
    if head is not None:
        settings.modules_to_save = [head]
    tuned = get_peft_model(model, settings)
    if config.method == "prompt" and not config.adapter:
        _start(tuned, config)
    # peft stores their outcome, which a resumed run cannot go on from
    if config.method in ("p_tuning", "prefix") and not config.adapter:
        encoder = tuned.prompt_encoder[tuned.active_adapter]
        encoder._load_adapter_state_dict = _passed_over  # of another width than what it comes from
        keep_beside_checkpoints(tuned, encoder.state_dict, encoder.load_state_dict)
    return tuned


def _passed_over(outcome: Mapping[str, torch.Tensor]) -> None:
    """What peft stored of a network's outcome; the network itself lies beside it."""


def insert(model: Any, config: TrainConfig) -> None:
    """Tells a classifier which of its inputs are no text."""
    if config.method in BEFORE_TEXT and hasattr(model, "virtual_tokens"):
        model.virtual_tokens = config.virtual_tokens


def arguments(config: TrainConfig, given: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Trained keys and values travel in the cache, which gradient checkpointing does not keep."""
    if config.method not in IN_CACHE or not given.get("gradient_checkpointing"):
        return given, ()
    changed = {**given, "gradient_checkpointing": False, "gradient_checkpointing_kwargs": None}
    return changed, (
        f"gradient checkpointing turned off: {config.method} needs the cache that it leaves out",
    )


def _prompt(model: Any, config: TrainConfig) -> Any:
    """Prompt tuning (arXiv 2104.08691)."""
    return PromptTuningConfig(num_virtual_tokens=config.virtual_tokens, **_shape(model))


def _shape(model: Any) -> dict[str, Any]:
    """Width of a word's vector (OPT's may be narrower than its layers) and heads; said here, because peft does not
    know every family's names for them."""
    shape: Any = model.config
    width = getattr(shape, "word_embed_proj_dim", None) or shape.hidden_size
    return {"token_dim": int(width), "num_attention_heads": int(shape.num_attention_heads)}


def _p_tuning(model: Any, config: TrainConfig) -> Any:
    """P-tuning (arXiv 2103.10385): the vectors come out of a small network, an MLP or an LSTM."""
    return PromptEncoderConfig(
        num_virtual_tokens=config.virtual_tokens,
        **_shape(model),
        encoder_reparameterization_type=config.prompt_encoder.upper(),
        encoder_hidden_size=config.prompt_hidden or int(model.config.hidden_size),
    )


def _prefix(model: Any, config: TrainConfig) -> Any:
    """Prefix tuning (arXiv 2101.00190) through a two-layer MLP; P-tuning v2 (arXiv 2110.07602) without it."""
    shape: Any = model.config
    heads = int(getattr(shape, "num_key_value_heads", None) or shape.num_attention_heads)
    width = getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads
    return PrefixTuningConfig(
        num_virtual_tokens=config.virtual_tokens,
        prefix_projection=config.method == "prefix" and not config.adapter,
        encoder_hidden_size=config.prompt_hidden or int(shape.hidden_size),
        # Said here because peft takes hidden_size / heads for the width of a head, which Qwen3 and Gemma differ from.
        num_attention_heads=heads,
        token_dim=heads * int(width),
    )


def _start(tuned: Any, config: TrainConfig) -> None:
    """The vectors that training starts from: those of a text, of words drawn from the vocabulary, or noise."""
    vectors = tuned.prompt_encoder[tuned.active_adapter].embedding.weight
    words = tuned.word_embeddings.weight.detach().float()
    count = vectors.shape[0]
    if config.prompt_text is not None:
        ids = _repeated(_tokens(resolve_model(config.model), config.prompt_text), count)
        start = words[torch.tensor(ids, device=words.device)]
    elif config.prompt_start == "vocabulary":
        start = words[torch.randint(0, words.shape[0], (count,), device=words.device)]
    else:
        # As wide as the words are: with unit variance they would drown them.
        start = torch.randn_like(vectors) * words.std()
    vectors.data.copy_(start)


def _repeated(ids: list[int], count: int) -> list[int]:
    return (ids * (count // len(ids) + 1))[:count]


def _tokens(folder: Path, text: str) -> list[int]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    if not ids:
        raise ValueError("prompt_text is empty; write the task in a few words, or leave it out.")
    return ids
