"""What a setup is, what each part of its memory is, and when it peaks: one sentence each, in the report's language."""

from __future__ import annotations

from typing import Any

from .catalog import find_card
from .limits import FLOAT_DTYPES
from .phrase import say
from .schema import Gpu
from .setups import MemoryEstimate, ModelSpec, ServeSetup, TrainSetup
from .shape import count_parameters
from .wording import METHODS, listed

_DTYPES = {"nf4": "NF4", "nf4-dq": "NF4 (double quantisation)", "gptq": "GPTQ"}
POLICY_METHODS = ("reward", "dpo", "kto", "ppo")  # `trained_with` says how the policy is changed
_OPTIMIZERS = {
    "adamw": say("AdamW's two moments for each trained weight"),
    "adamw_fused": say("AdamW's two moments for each trained weight"),
    "adamw_foreach": say("AdamW's two moments for each trained weight"),
    "adamw_8bit": say("AdamW's two moments for each trained weight, in 8 bits"),
    "paged": say("AdamW's two moments, which move to the RAM when the card is full"),
    "paged_8bit": say("AdamW's two moments in 8 bits, which move to the RAM when the card is full"),
    "adafactor": say("Adafactor's row and column averages"),
    "sgd": say("nothing is kept by plain SGD"),
}
_PEAKS = {
    "step": say("The peak is the optimizer's step, when weights, gradients and states are there at once."),
    "backward": say("The peak is in the forward and backward pass, before the optimizer's step."),
    "serving": say("The peak is when a request is read (prefill) beside the cache of all the others."),
}


def short_name(model: ModelSpec) -> str:
    return model.name.rstrip("/").split("/")[-1]


def is_a_size(card: Gpu) -> bool:
    """Whether the card was given by its size, as --vram does, and has no other name."""
    return card.name.startswith("a card with")


def card_name(card: Gpu) -> str:
    """The card and its size; of a catalogued one what programs can use of it."""
    if is_a_size(card):
        return say("a card with {vram:.4g} GiB", vram=card.vram_gib)
    known = find_card(card.name)
    if known is not None and known.vram_gib > card.vram_gib:
        return say(
            "{name} ({usable:.1f} of {vram:.4g} GiB)",
            name=known.name,
            usable=card.vram_gib,
            vram=known.vram_gib,
        )
    return say("{name} ({vram:.4g} GiB)", name=card.name, vram=card.vram_gib)


def title(model: ModelSpec, setup: TrainSetup | ServeSetup) -> str:
    """What is estimated, in a line."""
    if isinstance(setup, ServeSetup):
        return say(
            "Answering with {model}: {requests:,} × {tokens:,} tokens",
            model=short_name(model),
            requests=setup.concurrent,
            tokens=setup.context_tokens,
        )
    return say(
        "Training {model}, {method}: {rows:,} × {tokens:,} tokens",
        model=short_name(model),
        method=METHODS.get(setup.method, setup.method),
        rows=setup.batch_size,
        tokens=setup.seq_len,
    )


def setup_line(setup: TrainSetup | ServeSetup) -> str:
    return listed(setup_words(setup))


def setup_words(setup: TrainSetup | ServeSetup) -> list[str]:
    """How it is run."""
    weights = say("weights in {dtype}", dtype=_DTYPES.get(setup.weight_dtype, setup.weight_dtype))
    if isinstance(setup, ServeSetup):
        return [weights, say("KV cache in {dtype}", dtype=setup.kv_dtype)]
    return [weights, *_training_words(setup)]


def _training_words(setup: TrainSetup) -> list[str]:
    words = _method_words(setup)
    words.append(say("optimizer {name}", name=setup.optimizer))
    words.append(
        say("gradient checkpointing") if setup.gradient_checkpointing else say("no gradient checkpointing")
    )
    words.append(say("{name} attention", name=setup.attention))
    words.append(say("{name} loss", name=setup.loss_kernel))
    if setup.gpus > 1 or setup.sharding != "none":
        words.append(say("{gpus} cards, {sharding}", gpus=setup.gpus, sharding=setup.sharding))
    return words


def _method_words(setup: TrainSetup) -> list[str]:
    """What a method's memory depends on beside what all have."""
    words: list[str] = []
    method: str = setup.method
    if method in POLICY_METHODS:
        method = setup.trained_with
        words.append(say("trained with {method}", method=METHODS.get(method, method)))
    if "lora" in method or method in ("dora", "vera", "oft"):
        words.append(say("rank {rank} on {targets}", rank=setup.lora_rank, targets=setup.lora_targets))
    if method in ("prompt", "prefix", "ptuning", "ptuning_v2"):
        words.append(say("{count} virtual tokens", count=setup.virtual_tokens))
    if method == "houlsby":
        words.append(say("bottleneck {width}", width=setup.bottleneck))
    if method == "last_layers":
        words.append(say("the last {count} layers", count=setup.tuned_layers))
    return words


def peak_line(memory: MemoryEstimate) -> str:
    return _PEAKS[memory.peak]


def part_line(part: str, model: ModelSpec, setup: TrainSetup | ServeSetup) -> str:
    """What a part holds; empty for one that this does not know."""
    if part == "weights":
        return _weights(model, setup)
    if part == "context":
        return say("the driver's own kernels and handles; no tensor")
    if part == "reserved":
        return say("blocks that PyTorch holds without filling them")
    if part == "workspace":
        return _workspace(setup)
    if isinstance(setup, ServeSetup):
        return _serving_line(part, setup)
    return _training_line(part, model, setup)


def _weights(model: ModelSpec, setup: TrainSetup | ServeSetup) -> str:
    values: dict[str, Any] = {
        "params": count_parameters(model).total / 1e9,
        "dtype": _DTYPES.get(setup.weight_dtype, setup.weight_dtype),
    }
    if isinstance(setup, TrainSetup) and setup.method in ("dpo", "kto", "ppo"):
        return say("{params:.3g} billion parameters in {dtype}, and the models beside the policy", **values)
    if setup.weight_dtype in FLOAT_DTYPES:
        return say("{params:.3g} billion parameters in {dtype}", **values)
    if isinstance(setup, TrainSetup) and setup.kbit_upcast:
        return say("{params:.3g} billion parameters: linear layers in {dtype}, the rest in fp32", **values)
    return say("{params:.3g} billion parameters: linear layers in {dtype}, the rest in 16 bits", **values)


def _workspace(setup: TrainSetup | ServeSetup) -> str:
    if setup.weight_dtype not in FLOAT_DTYPES:
        return say("weights turned back to 16 bits, a layer at a time")
    if setup.weight_dtype == "fp32":
        return say("16-bit copies of the fp32 weights, which autocast makes")
    return say("copies that live for a moment")


def _training_line(part: str, model: ModelSpec, setup: TrainSetup) -> str:
    if part == "adapters":
        return say("what is trained beside the frozen weights, in {dtype}", dtype=setup.adapter_dtype)
    if part == "gradients":
        return say("one number for each weight that is trained")
    if part == "optimizer":
        return _OPTIMIZERS.get(setup.optimizer, "")
    if part == "activations" and setup.gradient_checkpointing:
        return say(
            "kept for the backward pass: the inputs of {layers} layers, and one layer computed anew",
            layers=model.layers,
        )
    if part == "activations":
        return say("kept for the backward pass through {layers} layers", layers=model.layers)
    if part == "logits":
        tokens = setup.batch_size * setup.seq_len
        return say(
            "scores of {tokens:,} tokens over {vocab:,} words, and their loss",
            tokens=tokens,
            vocab=model.vocab,
        )
    return ""


def _serving_line(part: str, setup: ServeSetup) -> str:
    if part == "adapters":
        return say("{count:,} of rank {rank}", count=setup.adapters, rank=setup.adapter_rank)
    if part == "kv_cache":
        return say(
            "keys and values of {requests:,} × {tokens:,} tokens",
            requests=setup.concurrent,
            tokens=setup.context_tokens,
        )
    if part == "activations":
        return say("one request while it is read")
    if part == "logits":
        return say("scores of the next word")
    named = {"embedder": setup.embedder, "reranker": setup.reranker}.get(part)
    return short_name(named) if isinstance(named, ModelSpec) else named or ""
