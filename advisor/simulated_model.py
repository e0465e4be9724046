"""Builds the real model code and its optimizer from a config on fake tensors: no weights, no card, no memory."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
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
from .shape import target_roles
from .simulated_card import CHECKPOINT, flash_attention

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# What the families of transformers call the linear modules of a layer, longest names first -> the role.
_ROLE_OF: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(qkv_proj|Wqkv|query_key_value|c_attn)$", ("q", "k", "v")),
    (r"(gate_up_proj)$", ("gate", "up")),
    (r"(attention\.output\.dense|attn\.c_proj|o_proj|out_proj|(self_attn|attention)\.dense)$", ("o",)),
    (r"(q_proj|query|q_lin)$", ("q",)),
    (r"(k_proj|key|k_lin)$", ("k",)),
    (r"(v_proj|value|v_lin)$", ("v",)),
    (r"(gate_proj|w1)$", ("gate",)),
    (r"(up_proj|c_fc|fc1|dense_h_to_4h|intermediate\.dense|lin1|w3)$", ("up",)),
    (r"(down_proj|fc2|mlp\.c_proj|dense_4h_to_h|output\.dense|lin2|w2)$", ("down",)),
    (r"(lm_head|embed_out)$", ("head",)),
)


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
    attention = _attention(setup)
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that peft still uses and transformers renamed
        model = auto.from_config(hub_config, dtype=DTYPES[setup.weight_dtype], attn_implementation=attention)
        if setup.attention == "sdpa" and not model._supports_sdpa:
            raise ValueError(
                f"{config['model_type']} has no sdpa attention in transformers; choose eager or flash."
            )
        model = attach(model, config, setup)
    model.train()
    if setup.gradient_checkpointing:
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        renamed = hasattr(base, "activation_checkpointing_enable")  # since transformers 5.2x
        enable = base.activation_checkpointing_enable if renamed else base.gradient_checkpointing_enable
        enable(CHECKPOINT)
    return model


def _attention(setup: TrainSetup) -> str:
    """Registers what stands in for the kernels of a card, and the masks that they are given; the name of both."""
    if setup.attention == "flash":
        AttentionInterface.register("simulated_flash", flash_attention)
        AttentionMaskInterface.register("simulated_flash", lambda *_, **__: None)
        return "simulated_flash"
    if setup.attention == "sdpa":
        AttentionInterface.register("simulated_sdpa", ALL_ATTENTION_FUNCTIONS["sdpa"])
        AttentionMaskInterface.register("simulated_sdpa", _sdpa_mask)
        return "simulated_sdpa"
    return "eager"


def _sdpa_mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """None where rows are causal and unpadded: transformers cannot read that off fake tensors and would build one."""
    return sdpa_mask(*args, **{**kwargs, "allow_is_causal_skip": True})


def materialise(model: torch.nn.Module) -> None:
    """Puts a new tensor in the place of each on the meta device; tied ones stay one. Call it inside FakeTensorMode."""
    made: dict[int, Any] = {}
    for module in model.modules():
        for own in (module._parameters, module._buffers):
            for name, old in own.items():
                if old is not None:
                    own[name] = made.setdefault(id(old), _materialised(old))


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


def attach(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    """Applies the method: which parameters train, and what is added to the model."""
    if setup.method in SELECTIVE:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(SELECTIVE[setup.method](model, name, parameter))
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ValueError(f"{config['model_type']} has no biases to train; choose lora or full.")
        return model
    if setup.method not in ADAPTERS:
        raise ValueError(
            f"Method {setup.method!r} cannot be simulated (4-bit kernels and losses with a second model do not run "
            f"on fake tensors); choose of {[*SELECTIVE, *ADAPTERS]}, or use the estimate."
        )
    from peft import get_peft_model

    adapter = ADAPTERS[setup.method](model, config, setup)
    model = get_peft_model(model, adapter, autocast_adapter_dtype=False, low_cpu_mem_usage=True)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(DTYPES[setup.adapter_dtype])
    return model


def _is_head(model: Any, name: str, parameter: torch.nn.Parameter) -> bool:
    head = model.get_output_embeddings()
    if head is None:
        return name.startswith(("classifier", "score"))
    return any(parameter is own for own in head.parameters())


SELECTIVE: dict[str, Callable[[Any, str, torch.nn.Parameter], bool]] = {
    "full": lambda model, name, parameter: True,
    "bitfit": lambda model, name, parameter: name.endswith("bias"),
    "output_layer": _is_head,
}


def _lora(model: Any, config: dict[str, Any], setup: TrainSetup, **more: Any) -> Any:
    from peft import LoraConfig

    targets = _targets(model, config, setup)
    return LoraConfig(
        r=setup.lora_rank,
        lora_alpha=2 * setup.lora_rank,
        target_modules=targets,
        task_type=_task(config),
        **more,
    )


def _adalora(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    from peft import AdaLoraConfig

    # finetune starts it at one and a half times the rank that is left at the end
    targets = _targets(model, config, setup)
    start = round(1.5 * setup.lora_rank)
    return AdaLoraConfig(
        init_r=start,
        target_r=setup.lora_rank,
        target_modules=targets,
        total_step=1000,
        task_type=_task(config),
    )


def _ia3(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    from peft import IA3Config

    roles = {name: roles for name, roles in _linears(model) if {"k", "v", "down"} & set(roles)}
    down = [name for name, roles in roles.items() if "down" in roles]
    return IA3Config(target_modules=list(roles), feedforward_modules=down, task_type=_task(config))


def _prompt(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    from peft import PromptTuningConfig

    return PromptTuningConfig(num_virtual_tokens=setup.virtual_tokens, task_type=_task(config))


def _prefix(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    from peft import PrefixTuningConfig

    if setup.gradient_checkpointing:
        raise ValueError("peft's prefix tuning fails under gradient checkpointing; simulate it without.")
    return PrefixTuningConfig(num_virtual_tokens=setup.virtual_tokens, task_type=_task(config))


ADAPTERS: dict[str, Callable[..., Any]] = {
    "lora": _lora,
    "rslora": lambda *a: _lora(*a, use_rslora=True),
    "dora": lambda *a: _lora(*a, use_dora=True),
    "adalora": _adalora,
    "ia3": _ia3,
    "prompt": _prompt,
    "prefix": _prefix,
}


def _task(config: dict[str, Any]) -> str:
    return "SEQ_CLS" if ModelSpec.from_config(config).kind == "encoder" else "CAUSAL_LM"


def _linears(model: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Name and roles of every linear module that a role names."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D":
            roles: tuple[str, ...] = next((roles for how, roles in _ROLE_OF if re.search(how, name)), ())
            if roles:
                found.append((name, roles))
    return found


def _targets(model: Any, config: dict[str, Any], setup: TrainSetup) -> list[str]:
    wanted = set(target_roles(ModelSpec.from_config(config), setup.lora_targets))
    targets = [name for name, roles in _linears(model) if wanted & set(roles)]
    if not targets:
        raise ValueError(
            f"{config['model_type']} has no linear module for LoRA targets {setup.lora_targets!r}."
        )
    return targets
