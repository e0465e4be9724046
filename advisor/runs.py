"""What an option would run: its models, best first, the training configuration and the serving ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from .case import DPO, FEATURES, FULL, KTO, LORA, OUTPUT_LAYER, QLORA, Case, F, H, L, R, figure
from .catalog import default_models, find_model, models
from .schema import ModelSpec, ServeSetup, TrainSetup

Device = Literal["gpu", "cpu"]

DEFAULT_SEQ_LEN = 1024
_LONGEST_SEQ_LEN = 8192
_RETRIEVED_TOKENS = 4096  # six passages of about 500 tokens, the question and the answer
_PROMPT_TOKENS = 2048
EMBEDDER = "minilm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What of a case decides on models and setups, and nothing else, so that they are worked out once for it."""

    model: ModelSpec | None  # the one that was named
    longest_row: int  # tokens, rounded up; rows of a hybrid carry retrieved passages besides
    classify: bool
    chinese: bool
    corpus_tokens: int = 0  # of long context alone: what stands in its prompt, to two figures


def work_of(case: Case) -> Work:
    """The work of every strategy but long context, which reads the documents as well."""
    rows = case.data.examples if case.data is not None else None
    longest = DEFAULT_SEQ_LEN
    if rows is not None and rows.rows:
        longest = -(-rows.max_tokens // 256) * 256
    return Work(
        model=case.model,
        longest_row=longest,
        classify=case.needs.task == "classification",
        chinese=case.needs.language in ("zh", "both"),
    )


def with_documents(work: Work, tokens: int | None) -> Work:
    """The work of long context. Beyond what a prompt takes the option is out, and more need not be asked."""
    read = min(tokens or 0, int(figure("long_context")))
    coarse = max(1, 10 ** (len(str(read)) - 2))
    return replace(work, corpus_tokens=-(-read // coarse) * coarse)


@lru_cache(maxsize=1024)
def candidates(work: Work, strategy: str, method: str) -> tuple[tuple[ModelSpec, Device], ...]:
    """Models to try, best first. More memory on the card only ever lets an earlier one fit, so it removes nothing.

    A model that the user named is the only one. Full tuning is asked of the first choice alone, since adapters of a
    larger model serve better than all weights of a small one; the rest may fall back on smaller models.
    """
    if work.model is not None:
        return ((work.model, "gpu"), (work.model, "cpu"))
    if work.classify and strategy == F and method not in (DPO, KTO):
        # MiniLM needs no download, but its vocabulary turns most Chinese characters into [UNK].
        encoder = find_model("xlm-roberta-base" if work.chinese else EMBEDDER)
        return ((encoder, "gpu"), (encoder, "cpu"))
    tried = default_models() if strategy != L else _reading(work.corpus_tokens + _PROMPT_TOKENS)
    if method == FULL:
        return ((tried[0], "gpu"),)
    return (*((model, "gpu") for model in tried), *((model, "cpu") for model in tried))


def _reading(tokens: int) -> tuple[ModelSpec, ...]:
    """Models whose window takes so much: of the usual ones, else of all that are no larger; else the longest reader."""
    usual = default_models()
    fitting = tuple(model for model in usual if (model.context_tokens or 0) >= tokens)
    if fitting:
        return fitting
    decoders = [model for model in models() if model.kind == "decoder"]
    limit = 1.2 * (usual[0].params_b or 0.0)  # about the size of the largest usual one
    others = [m for m in decoders if (m.context_tokens or 0) >= tokens and (m.params_b or 0.0) <= limit]
    if others:
        return tuple(sorted(others, key=lambda model: -(model.params_b or 0.0)))
    return (max(decoders, key=lambda model: model.context_tokens or 0),)


@lru_cache(maxsize=1024)
def train_setups(work: Work, model: ModelSpec, strategy: str, method: str) -> tuple[TrainSetup, ...]:
    """The smallest run that is worth doing: batch 1, the longest example whole, retrieved passages with a hybrid.

    Preference tuning trains an adapter, on 16-bit weights or else on 4-bit ones; other methods have one setup.
    """
    longest = work.longest_row + (_RETRIEVED_TOKENS // 2 if strategy == H else 0)
    seq_len = max(256, min(longest, _LONGEST_SEQ_LEN, model.context_tokens or longest))
    if method == "none":
        return ()
    if method == FULL:
        return (TrainSetup(method="full", weight_dtype="fp32", seq_len=seq_len, optimizer="adamw_fused"),)
    if method == QLORA:  # double quantisation, as 'advisor train' does it
        return (TrainSetup(method="qlora", weight_dtype="nf4-dq", seq_len=seq_len),)
    if method in (DPO, KTO):
        whole = TrainSetup(method=_named(method), trained_with="lora", reference_model=False, seq_len=seq_len)
        return (whole, replace(whole, trained_with="qlora", weight_dtype="nf4-dq"))
    return (TrainSetup(method=_named(method), seq_len=seq_len),)


def _named(method: str) -> Literal["lora", "features", "output_layer", "dpo", "kto"]:
    return {LORA: "lora", FEATURES: "features", OUTPUT_LAYER: "output_layer", DPO: "dpo", KTO: "kto"}[method]  # type: ignore[return-value]


@lru_cache(maxsize=1024)
def serve_setups(work: Work, strategy: str, method: str) -> tuple[ServeSetup, ServeSetup]:
    """16-bit weights first; 4-bit ones where those do not fit."""
    tokens = _RETRIEVED_TOKENS if strategy in (R, H) else _PROMPT_TOKENS
    if strategy == L:
        tokens += work.corpus_tokens
    embedder = EMBEDDER if strategy in (R, H) else None
    adapters = 1 if method in (LORA, QLORA, DPO, KTO) else 0
    whole = ServeSetup(context_tokens=tokens, adapters=adapters, embedder=embedder)
    return whole, replace(whole, weight_dtype="nf4")


def roomy_setup(work: Work, model: ModelSpec, strategy: str) -> TrainSetup:
    """LoRA at batch 2 without recomputing activations: recomputing costs a third of the speed, LoRA's advantage."""
    setup = train_setups(work, model, strategy, LORA)[0]
    return replace(setup, gradient_checkpointing=False, batch_size=2)
