"""Applies a training method to a model that is to be simulated: which parameters train, and what peft adds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import peft
import torch

from .setups import ModelSpec, TrainSetup
from .shape import target_roles

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# What the families of transformers call the linear modules of a layer -> the roles.
_ROLES_OF: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(qkv_proj|Wqkv|query_key_value|c_attn|W_pack)$", ("q", "k", "v")),
    (r"gate_up_proj$", ("gate", "up")),
    (
        r"(attention\.output\.dense|attn\.c_proj|o_proj|out_proj|out_lin|(self_attn|attention)\.dense)$",
        ("o",),
    ),
    (r"(q_proj|query|q_lin)$", ("q",)),
    (r"(k_proj|key|k_lin)$", ("k",)),
    (r"(v_proj|value|v_lin)$", ("v",)),
    (r"(gate_proj|w1)$", ("gate",)),
    (r"(up_proj|c_fc|fc1|dense_h_to_4h|intermediate\.dense|lin1|w3)$", ("up",)),
    (r"(down_proj|fc2|mlp\.c_proj|dense_4h_to_h|output\.dense|lin2|w2)$", ("down",)),
    (r"(lm_head|embed_out)$", ("head",)),
)


def attach(model: Any, config: dict[str, Any], setup: TrainSetup, layers: list[torch.nn.Module]) -> Any:
    """The model under the method. Raises ValueError, naming the others, for one that fake tensors cannot run."""
    if setup.method in SELECTIVE:
        chosen = {id(parameter) for parameter in SELECTIVE[setup.method](model, setup, layers)}
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        if not chosen:
            raise ValueError(
                f"{config['model_type']} has no parameters that {setup.method} trains; choose lora."
            )
        return model
    if setup.method not in ADAPTERS:
        raise ValueError(
            f"Method {setup.method!r} cannot be simulated (4-bit kernels and losses of several models do not run on "
            f"fake tensors); choose one of {[*SELECTIVE, *ADAPTERS]}, or use the estimate."
        )
    adapter = ADAPTERS[setup.method](model, config, setup)
    adapter.task_type = "SEQ_CLS" if ModelSpec.from_config(config).kind == "encoder" else "CAUSAL_LM"
    raised = (
        setup.adapter_dtype == "fp32"
    )  # peft's default; it leaves modules_to_save in the dtype of the base
    model = peft.get_peft_model(model, adapter, autocast_adapter_dtype=raised, low_cpu_mem_usage=True)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not raised and "modules_to_save" not in name:
            parameter.data = parameter.data.to(DTYPES[setup.adapter_dtype])
        if setup.method == "lora_fa" and "lora_A" in name:
            parameter.requires_grad_(False)  # A stays as drawn
    return model


def _head(model: Any, *_: Any) -> list[torch.nn.Parameter]:
    head = model.get_output_embeddings()
    if head is None:
        return [
            parameter for name, parameter in model.named_parameters() if name.startswith(("classif", "score"))
        ]
    return list(head.parameters())


def _last_layers(model: Any, setup: TrainSetup, layers: list[torch.nn.Module]) -> list[torch.nn.Parameter]:
    tied = getattr(model.config, "tie_word_embeddings", False)
    own = [parameter for layer in layers[-setup.tuned_layers :] for parameter in layer.parameters()]
    return own + ([] if tied else _head(model))


def _norms(model: Any, *_: Any) -> list[torch.nn.Parameter]:
    return [
        parameter
        for module in model.modules()
        if "norm" in type(module).__name__.lower()
        for parameter in module.parameters(recurse=False)
    ]


def _biases(model: Any, *_: Any) -> list[torch.nn.Parameter]:
    return [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]


SELECTIVE: dict[str, Callable[..., list[torch.nn.Parameter]]] = {
    "full": lambda model, *_: list(model.parameters()),
    "last_layers": _last_layers,
    "output_layer": _head,
    "bitfit": _biases,
    "ln_tuning": _norms,
}


def _lora(model: Any, config: dict[str, Any], setup: TrainSetup, **more: Any) -> Any:
    return peft.LoraConfig(
        r=setup.lora_rank,
        lora_alpha=2 * setup.lora_rank,
        lora_dropout=setup.lora_dropout,
        target_modules=_targets(model, config, setup),
        modules_to_save=_trained_modules(model, setup),
        **more,
    )


def _trained_modules(model: Any, setup: TrainSetup) -> list[str] | None:
    wanted = {name.strip() for name in setup.trained_modules.split(",")}
    owners = {"embed": model.get_input_embeddings(), "head": model.get_output_embeddings()}
    modules = [owners[name] for name in owners if name in wanted]
    return [name.split(".")[-1] for name, module in model.named_modules() if module in modules] or None


def _adalora(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    return peft.AdaLoraConfig(
        init_r=round(1.5 * setup.lora_rank),  # peft's default starts at 12 for a target of 8
        target_r=setup.lora_rank,
        lora_dropout=setup.lora_dropout,
        target_modules=_targets(model, config, setup),
        total_step=1000,
    )


def _ia3(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    touched = [(name, roles) for name, roles in _linears(model) if {"k", "v", "down"} & set(roles)]
    down = [name for name, roles in touched if "down" in roles]
    return peft.IA3Config(target_modules=[name for name, _ in touched], feedforward_modules=down)


def _prefix(model: Any, config: dict[str, Any], setup: TrainSetup) -> Any:
    if setup.gradient_checkpointing:
        raise ValueError("Prefix tuning fails under gradient checkpointing in peft; simulate it without.")
    return peft.PrefixTuningConfig(num_virtual_tokens=setup.virtual_tokens)


def _prompts(kind: Any) -> Callable[..., Any]:
    return lambda model, config, setup: kind(num_virtual_tokens=setup.virtual_tokens)


ADAPTERS: dict[str, Callable[..., Any]] = {
    "lora": _lora,
    "rslora": lambda *given: _lora(*given, use_rslora=True),
    "dora": lambda *given: _lora(*given, use_dora=True),
    "lora_fa": _lora,
    "adalora": _adalora,
    "ia3": _ia3,
    "prompt": _prompts(peft.PromptTuningConfig),
    "ptuning": _prompts(peft.PromptEncoderConfig),
    "prefix": _prefix,
    "ptuning_v2": _prefix,
}


def _linears(model: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Name and roles of every linear module that has one."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D":
            roles: tuple[str, ...] = next((roles for how, roles in _ROLES_OF if re.search(how, name)), ())
            found += [(name, roles)] if roles else []
    return found


def _targets(model: Any, config: dict[str, Any], setup: TrainSetup) -> list[str] | str:
    if setup.lora_targets.strip() in ("all-linear", "all", ""):
        return "all-linear"  # peft decides, for experts too
    wanted = set(target_roles(ModelSpec.from_config(config), setup.lora_targets))
    targets = [name for name, roles in _linears(model) if wanted & set(roles)]
    if not targets:
        raise ValueError(
            f"{config['model_type']} has no linear module for LoRA targets {setup.lora_targets!r}."
        )
    return targets
