"""Which model an option would use on this machine, what training and serving it takes, and whether that fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from .case import Case
from .catalog import default_models, find_model, model_of_size, resolve_model
from .memory import estimate_memory
from .schema import Hardware, MemoryEstimate, ModelSpec, ServeSetup, TrainSetup

Device = Literal["gpu", "cpu"]

DEFAULT_SEQ_LEN = 1024
_LONGEST_SEQ_LEN = 8192
_RETRIEVED_TOKENS = 4096  # six passages of about 500 tokens, the question and the answer
_PROMPT_TOKENS = 2048
# On a CPU what fits is also a matter of patience: one step of a larger model takes minutes.
_CPU_TRAIN_B, _CPU_SERVE_B = 0.6, 2.0
_CPU_SHARE = 0.7  # of the RAM; the rest belongs to the system


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One option on this machine; `fits` is None where nothing is known about the machine."""

    model: ModelSpec
    train: MemoryEstimate | None
    serve: MemoryEstimate
    fits: bool | None
    device: Device | None
    smaller: bool = False  # the first choice did not fit, this one does
    why_not: str | None = None


def place(case: Case, strategy: str, method: str) -> Placement:
    """The first candidate that fits, in the order of `candidates`; else the last one with what it lacks."""
    placements = []
    tried = candidates(case, strategy, method)
    first = tried[0][0]
    for model, device in tried:
        placed = _measure(case, strategy, method, model, device)
        if placed.fits is not False:
            return replace(placed, smaller=model != first)
        placements.append(placed)
    return placements[0]


def candidates(case: Case, strategy: str, method: str) -> tuple[tuple[ModelSpec, Device], ...]:
    """Models to try, best first. More memory on the card only ever lets an earlier one fit, so it removes nothing.

    A model that the user named is the only one. Full tuning is asked of the first choice alone, since adapters of a
    larger model serve better than all weights of a small one; the rest may fall back on smaller models.
    """
    chosen = chosen_model(case)
    if chosen is not None:
        return ((chosen, "gpu"), (chosen, "cpu"))
    if case.needs.task == "classification" and strategy == "finetune":
        # MiniLM needs no download, but its vocabulary turns most Chinese characters into [UNK].
        encoder = find_model("xlm-roberta-base" if case.needs.language in ("zh", "both") else "minilm")
        return ((encoder, "gpu"), (encoder, "cpu"))
    largest, *smaller = default_models()
    if method == "full":
        return ((largest, "gpu"),)
    card: list[tuple[ModelSpec, Device]] = [(model, "gpu") for model in (largest, *smaller)]
    processor: list[tuple[ModelSpec, Device]] = [(model, "cpu") for model in (largest, *smaller)]
    return (*card, *processor)


def chosen_model(case: Case) -> ModelSpec | None:
    """The model that the user named, or the catalogued one nearest to the size given."""
    if case.needs.model:
        return resolve_model(case.needs.model)
    if case.needs.model_params_b is not None:
        return model_of_size(case.needs.model_params_b)
    return None


def train_setup(case: Case, strategy: str, method: str, *, checkpointing: bool = True) -> TrainSetup:
    """The smallest run that is worth doing: batch 1, the longest example whole, retrieved passages with a hybrid."""
    longest = DEFAULT_SEQ_LEN
    if case.data is not None and case.data.examples is not None and case.data.examples.rows:
        longest = -(-case.data.examples.max_tokens // 256) * 256
    if strategy == "hybrid":
        longest += _RETRIEVED_TOKENS // 2
    seq_len = max(256, min(longest, _LONGEST_SEQ_LEN))
    if method == "full":
        return TrainSetup(
            method="full",
            weight_dtype="fp32",
            seq_len=seq_len,
            optimizer="adamw_fused",
            gradient_checkpointing=checkpointing,
        )
    if method == "qlora":
        return TrainSetup(
            method="qlora", weight_dtype="nf4", seq_len=seq_len, gradient_checkpointing=checkpointing
        )
    return TrainSetup(method="lora", seq_len=seq_len, gradient_checkpointing=checkpointing)


def serve_setups(case: Case, strategy: str, method: str) -> tuple[ServeSetup, ServeSetup]:
    """16-bit weights first; 4-bit ones where those do not fit."""
    tokens = {"rag": _RETRIEVED_TOKENS, "hybrid": _RETRIEVED_TOKENS}.get(strategy, _PROMPT_TOKENS)
    if strategy == "long_context":
        tokens += case.needs.corpus_tokens or 0
    embedder = "minilm" if strategy in ("rag", "hybrid") else None
    adapters = 1 if method in ("lora", "qlora") else 0
    whole = ServeSetup(context_tokens=tokens, adapters=adapters, embedder=embedder)
    small = ServeSetup(weight_dtype="nf4", context_tokens=tokens, adapters=adapters, embedder=embedder)
    return whole, small


def lora_is_roomy(case: Case, strategy: str, model: ModelSpec) -> bool | None:
    """Whether LoRA fits at batch 2 without recomputing activations; None where the card is unknown.

    Recomputing costs about a third of the speed, which is what LoRA has over QLoRA.
    """
    if case.hardware is None or not case.hardware.gpus:
        return None
    setup = replace(train_setup(case, strategy, "lora", checkpointing=False), batch_size=2)
    return _estimated(model, _within(model, setup)).high_gib <= case.hardware.vram_gib


def _measure(case: Case, strategy: str, method: str, model: ModelSpec, device: Device) -> Placement:
    train = (
        None if method == "none" else _estimated(model, _within(model, train_setup(case, strategy, method)))
    )
    limit = _limit_gib(case.hardware, device)
    whole, small = (_estimated(model, setup) for setup in serve_setups(case, strategy, method))
    if limit is None:
        return Placement(model=model, train=train, serve=whole, fits=None, device=None)
    serve = whole if _need_gib(whole, device) <= limit or device == "cpu" else small
    lacks = _lack(model, train, serve, limit, case, device)
    return Placement(
        model=model,
        train=train,
        serve=serve,
        fits=lacks is None,
        device=None if lacks else device,
        why_not=lacks,
    )


def _lack(
    model: ModelSpec,
    train: MemoryEstimate | None,
    serve: MemoryEstimate,
    limit: float,
    case: Case,
    device: Device,
) -> str | None:
    """One sentence on what does not fit, None where all does."""
    name, size = model.name.split("/")[-1], model.params_b or 0.0
    if device == "cpu" and size > (_CPU_SERVE_B if train is None else _CPU_TRAIN_B):
        work = "serve" if train is None else "train"
        return f"there is no card, and a CPU is too slow to {work} {name}"
    holder = f"the card has {limit:g} GiB" if device == "gpu" else f"{limit:.0f} GiB of RAM are free to use"
    if device == "gpu" and limit == 0:
        return "there is no card"
    for work, memory in (("training", train), ("serving", serve)):
        if memory is not None and _need_gib(memory, device) > limit:
            low, high = memory.low_gib, memory.high_gib
            return f"{work} {name} needs {memory.device_gib:.1f} GiB ({low:.1f} to {high:.1f}), {holder}"
    return None


def _need_gib(memory: MemoryEstimate, device: Device) -> float:
    """What has to be there: the upper end of the interval on a card; the tensors alone in RAM."""
    return memory.high_gib if device == "gpu" else memory.reserved_gib


def _limit_gib(hardware: Hardware | None, device: Device) -> float | None:
    if hardware is None:
        return None
    if device == "gpu":
        return hardware.vram_gib
    return (hardware.ram_gib or 0.0) * _CPU_SHARE


def _within(model: ModelSpec, setup: TrainSetup) -> TrainSetup:
    """Rows are cut at the model's own window."""
    return replace(setup, seq_len=min(setup.seq_len, model.context_tokens or setup.seq_len))


@lru_cache(maxsize=4096)
def _estimated(model: ModelSpec, setup: TrainSetup | ServeSetup) -> MemoryEstimate:
    return estimate_memory(model, setup)
