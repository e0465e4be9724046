"""Loads a causal language model from a folder, with or without an adapter on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils.logging import disable_progress_bar

from finetune.four_bit import unpacked
from finetune.methods.refusals import writes_no_text
from finetune.weights import model_config


def load_causal(folder: Path, **loading: Any) -> Any:
    """The model in evaluation mode. Raises ValueError in one line, also for a model that is no causal LM."""
    config = model_config(folder)
    kind = config["model_type"]
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or writes_no_text(config):
        raise ValueError(
            f"'{folder.name}' is a {kind} model, which does not write text; give a causal language model "
            "(Llama, Qwen, Mistral, ...), or train an encoder with --objective classify."
        )
    # A bar for each load would break into the program's own.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, **loading
        )
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"'{folder}' cannot be loaded ({str(error).strip().splitlines()[0]}).") from None
    return unpacked(model).eval()
