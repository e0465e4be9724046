"""Builds the real model code and its optimizer from a config on fake tensors: no weights, no card, no memory."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
)
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .setups import ModelSpec, TrainSetup
from .simulated_card import CHECKPOINT, flash_attention
from .simulated_method import DTYPES, attach


def normalised(config: dict[str, Any]) -> dict[str, Any]:
    """The config with every default of its family filled in. Raises ValueError for a family transformers lacks."""
    kind = config.get("model_type")
    text = config.get("text_config")
    if isinstance(text, dict):  # of a model that also sees pictures, only the text part is simulated
        config, kind = text, text.get("model_type", kind)
    if not kind:
        raise ValueError(
            "config.json lacks 'model_type', so its model code is unknown; add it, e.g. 'llama'."
        )
    values = {key: value for key, value in config.items() if key not in ("model_type", "quantization_config")}
    for key in ("rope_scaling", "rope_parameters"):
        # Scalings that depend on the length seen read values, which fake tensors lack; they cost no memory.
        scaling = values.get(key) or {}
        if scaling.get("rope_type", scaling.get("type")) in ("dynamic", "longrope", "su", "yarn"):
            values.pop(key)
    try:
        return dict(AutoConfig.for_model(kind, **values).to_dict())
    except ValueError:
        raise ValueError(
            f"The installed transformers has no model_type {kind!r} to simulate; use the estimate without it."
        ) from None


def layer_key(config: dict[str, Any]) -> str:
    return next(key for key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers") if key in config)


def with_layers(config: dict[str, Any], layers: int) -> dict[str, Any]:
    """The same model of so many layers."""
    changed = {**config, layer_key(config): layers}
    for key, value in config.items():
        if key.startswith(("layer_types", "mlp_layer_types")) and isinstance(value, list):
            changed[key] = value[:layers]
    if isinstance(config.get("max_window_layers"), int):
        changed["max_window_layers"] = min(config["max_window_layers"], layers)
    return changed


def build_model(config: dict[str, Any], setup: TrainSetup) -> Any:
    """The model on the meta device, in training mode, under the method."""
    values = {key: value for key, value in config.items() if key != "model_type"}
    hub_config = AutoConfig.for_model(config["model_type"], **values)
    encoder = ModelSpec.from_config(config).kind == "encoder"
    auto: Any = AutoModelForSequenceClassification if encoder else AutoModelForCausalLM
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that peft still uses and transformers renamed
        warnings.filterwarnings("ignore", message="fan_in_fan_out")  # peft mends this itself for GPT-2
        model = _bare_model(auto, hub_config, setup)
        model = attach(model, config, setup, layers_of(model, config))
    model.train()
    if setup.gradient_checkpointing:
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        renamed = hasattr(base, "activation_checkpointing_enable")  # since transformers 5.2x
        enable = base.activation_checkpointing_enable if renamed else base.gradient_checkpointing_enable
        enable(CHECKPOINT)
    return model


def _bare_model(auto: Any, hub_config: Any, setup: TrainSetup) -> Any:
    attention = _attention(setup)
    try:
        model = auto.from_config(hub_config, dtype=DTYPES[setup.weight_dtype], attn_implementation=attention)
    except (KeyError, ValueError) as error:  # KeyError: families with attention classes of their own
        if isinstance(error, ValueError) and "attention implementation" not in str(error):
            raise
        raise ValueError(
            f"transformers has no {setup.attention} attention for {hub_config.model_type} that could be simulated; "
            f"choose {'eager' if isinstance(error, KeyError) else 'eager or flash'}."
        ) from None
    if getattr(model, "loss_type", "") is None:
        model.loss_type = "ForCausalLM"  # what transformers falls back to, with a warning, for GPT-2
    return model


def _attention(setup: TrainSetup) -> str:
    """Registers what stands in for the kernels of a card, and the masks that they are given; the name of both."""
    if setup.attention == "flash":  # transformers looks for a package behind each name with "flash" in it
        AttentionInterface.register("simulated_fused", flash_attention)
        AttentionMaskInterface.register("simulated_fused", lambda *_, **__: None)
        return "simulated_fused"
    if setup.attention == "sdpa":
        AttentionInterface.register("simulated_sdpa", ALL_ATTENTION_FUNCTIONS["sdpa"])
        AttentionMaskInterface.register("simulated_sdpa", _sdpa_mask)
        return "simulated_sdpa"
    return "eager"


def _sdpa_mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """None where rows are causal and unpadded: transformers cannot read that off fake tensors and would build one."""
    return sdpa_mask(*args, **{**kwargs, "allow_is_causal_skip": True})


def materialise(model: Any) -> None:
    """Puts a new tensor in the place of each on the meta device; tied ones stay one. Call it inside FakeTensorMode."""
    made: dict[int, Any] = {}
    for module in model.modules():
        for own in (module._parameters, module._buffers):
            for name, old in own.items():
                if old is not None:
                    own[name] = made.setdefault(id(old), _materialised(old))

    if hasattr(model, "prompt_tokens"):  # peft's plain attribute, of the methods that learn a prompt
        model.prompt_tokens = {
            name: torch.zeros(old.shape, dtype=old.dtype) for name, old in model.prompt_tokens.items()
        }


def _materialised(old: torch.Tensor) -> torch.Tensor:
    new = torch.empty(old.shape, dtype=old.dtype)
    return torch.nn.Parameter(new, old.requires_grad) if isinstance(old, torch.nn.Parameter) else new


def layers_of(model: torch.nn.Module, config: dict[str, Any]) -> list[torch.nn.Module]:
    count = config[layer_key(config)]
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return list(module)
    raise ValueError(
        f"{config['model_type']} keeps its layers in no list; use the estimate without simulation."
    )
