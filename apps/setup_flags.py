"""Flags of the command line made from the fields of TrainSetup and ServeSetup, so that the two never differ."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

# What a flag is for, where its name does not say it all. A field without a line here gets its flag all the same.
_HELP = {
    "method": "how the model is changed",
    "weight_dtype": "how the weights are kept (default: as 'advisor train' does for the method)",
    "optimizer": "what takes the step",
    "optimizer_dtype": "Adam's moments",
    "batch_size": "rows at a time on one card",
    "accumulation": "batches of one step; their gradients wait for one another",
    "seq_len": "tokens of a row",
    "lora_rank": "width of LoRA adapters",
    "lora_dropout": "chance that an input of an adapter is left out in a step",
    "attention": "eager keeps all scores, the others do not",
    "adapter_dtype": "what adapters are trained in",
    "loss_dtype": "what the loss is computed in",
    "autocast": "mixed precision, as the Trainer's bf16=True",
    "kbit_saves_inputs": "bitsandbytes before 0.45: each 4-bit linear keeps its input",
    "optimizer_in_backward": "use and free each gradient as it comes",
    "offload_activations": "activations wait in the machine's RAM",
    "virtual_tokens": "of prompt, prefix and P-Tuning",
    "bottleneck": "width of Houlsby adapters",
    "tuned_layers": "of last_layers",
    "kv_dtype": "how keys and values are cached",
    "adapter_rank": "their rank",
    "lora_targets": "'all-linear', or a comma list of q, k, v, o, gate, up, down, mlp, head",
    "trained_modules": "trained whole beside an adapter: embed, head, or both",
    "gradient_checkpointing": "compute activations twice instead of keeping them",
    "loss_kernel": "stock holds all logits, fused less of them, chunked nearly none",
    "kbit_upcast": "what is not quantised in fp32, as peft prepares it",
    "gpus": "cards",
    "sharding": "what the cards share (default: fsdp where there are several)",
    "trained_with": "how reward, dpo, kto and ppo change the policy",
    "reference_model": "a reference model beside the policy (dpo, kto, ppo)",
    "answer_tokens": "tokens sampled for a row (ppo)",
    "context_tokens": "tokens of one request, answer included",
    "concurrent": "requests at once",
    "adapters": "LoRA adapters kept beside the model",
    "embedder": "a model that embeds questions, on the same card: a catalogued name or a folder",
    "reranker": "a model that reorders passages, on the same card",
}

_MOST_CHOICES_IN_BRACES = 4


def add_setup_flags(
    parser: argparse._ArgumentGroup | argparse.ArgumentParser, kind: type, *, skip: Iterable[str] = ()
) -> None:
    """A flag for each field of the dataclass; only those that are given appear in the parsed arguments."""
    types = get_type_hints(kind)
    for item in fields(kind):
        if item.name not in skip:
            _add(parser, item, types[item.name])


def given_fields(args: argparse.Namespace, kind: type) -> dict[str, Any]:
    """The fields that were given as flags, models read from their names."""
    types = get_type_hints(kind)
    given = {item.name: getattr(args, item.name) for item in fields(kind) if hasattr(args, item.name)}
    return {name: _model(value) if _names_a_model(types[name]) else value for name, value in given.items()}


def flag_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add(parser: argparse._ArgumentGroup | argparse.ArgumentParser, item: Field[Any], kind: Any) -> None:
    help_text = _HELP.get(item.name, "")
    if item.default not in (None, "") and "default" not in help_text:
        shown = item.default if not isinstance(item.default, bool) else "yes" if item.default else "no"
        help_text = f"{help_text} (default: {shown})".strip()
    keys: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_text}
    if kind is bool:
        keys["action"] = argparse.BooleanOptionalAction
    elif get_origin(kind) is Literal:
        keys["choices"] = get_args(kind)
        if len(get_args(kind)) > _MOST_CHOICES_IN_BRACES:
            keys["metavar"], keys["help"] = "NAME", f"{help_text}: {', '.join(get_args(kind))}".lstrip(": ")
    elif kind is int:
        keys["type"], keys["metavar"] = _whole(0 if item.default == 0 else 1), "N"
    elif kind is float:
        keys["type"], keys["metavar"] = _share, "SHARE"
    else:
        keys["metavar"] = "MODEL" if _names_a_model(kind) else "LIST"
    parser.add_argument(flag_of(item.name), **keys)


def _whole(least: int) -> Callable[[str], int]:
    """Counts are at least 1, or 0 where that is what a field has by default."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is too small, give {least} or more")
        return number

    return parse


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to below 1")
    return number


def _names_a_model(kind: Any) -> bool:
    return NoneType in get_args(kind) and str in get_args(kind)


def _model(value: str) -> Any:
    from advisor import resolve_model

    return resolve_model(value)
