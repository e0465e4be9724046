"""The inverse question: the longest rows and the largest batch that fit on a card, by model and method; pure.

'Surely' means that the upper end of the estimate's interval is within the card, 'may' that the best estimate is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from .memory import estimate_memory
from .setups import MemoryEstimate, Method, ModelSpec, ServeSetup, TrainSetup, WeightDtype

Verdict = Literal["yes", "tight", "no"]

FLOAT_DTYPES: tuple[WeightDtype, ...] = ("fp32", "bf16", "fp16")  # the others are quantised
TOKEN_STEP = 64  # lengths are multiples of it, as kernels like them
MOST_ROWS = 4096  # batches beyond are not looked for
UNKNOWN_WINDOW_TOKENS = 131_072  # how far is searched where a config states no window
REFERENCE_TOKENS = 1024
SHORTEST_TOKENS = 256  # a card that takes only shorter rows than these is said not to do

# How `advisor train` runs each method: full tuning keeps fp32 weights, since most updates at its learning rates are
# smaller than bf16 can add to a weight; QLoRA's base is NF4 (arXiv 2305.14314).
_METHOD_FIELDS: dict[str, dict[str, Any]] = {
    "full": {"weight_dtype": "fp32"},
    "qlora": {"weight_dtype": "nf4"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRow:
    """One model and method on one card. Lengths are of batch 1; batches and `needs_gib` are at `seq_len` tokens.

    `fits`: yes = batch 1 at `seq_len` fits surely; tight = it may, or rows of 256 may; no = neither.
    The two `may_` figures go by the best estimate and are looked for only where `fits` is tight.
    """

    model: ModelSpec
    method: Method
    seq_len: int
    fits: Verdict
    longest_seq_len: int | None
    largest_batch: int | None
    needs_gib: (
        float | None
    )  # on which batch 1 at `seq_len` fits surely; None = the method does not suit the model
    may_seq_len: int | None = None
    may_batch: int | None = None
    why_not: str = ""  # why the method does not suit the model


def method_setup(method: Method, **fields: Any) -> TrainSetup:
    """The setup that a method is run with where nothing else is said; several cards share the weights (FSDP).

    Raises ValueError for QLoRA of weights that are not quantised.
    """
    if method == "qlora" and fields.get("weight_dtype") in FLOAT_DTYPES:
        quantised = [dtype for dtype in get_args(WeightDtype) if dtype not in FLOAT_DTYPES]
        raise ValueError(
            f"QLoRA trains on quantised weights, not {fields['weight_dtype']}; choose one of {quantised}, or lora."
        )
    shared = {"sharding": "fsdp"} if fields.get("gpus", 1) > 1 else {}
    return TrainSetup(method=method, **{**_METHOD_FIELDS.get(method, {}), **shared, **fields})


def verdict(memory: MemoryEstimate, vram_gib: float) -> Verdict:
    """Whether an estimate fits surely (yes), may fit (tight), or does not (no)."""
    if memory.high_gib <= vram_gib:
        return "yes"
    return "tight" if memory.device_gib <= vram_gib else "no"


def longest_sequence(
    model: ModelSpec, setup: TrainSetup, vram_gib: float, *, gpu: str | None = None, surely: bool = True
) -> int | None:
    """The longest rows at the setup's batch, a multiple of 64 up to the model's window; None where not even 64 fit."""
    return _Search(model, setup, vram_gib, gpu).tokens("seq_len", surely=surely)


def largest_batch(
    model: ModelSpec, setup: TrainSetup, vram_gib: float, *, gpu: str | None = None, surely: bool = True
) -> int | None:
    """The most rows of the setup's length on one card, up to 4,096; None where not even one fits."""
    return _Search(model, setup, vram_gib, gpu).count("batch_size", surely=surely)


def longest_context(
    model: ModelSpec, setup: ServeSetup, vram_gib: float, *, gpu: str | None = None, surely: bool = True
) -> int | None:
    """The longest requests that the setup's number of them can have at once, a multiple of 64 up to the window."""
    return _Search(model, setup, vram_gib, gpu).tokens("context_tokens", surely=surely)


def most_concurrent(
    model: ModelSpec, setup: ServeSetup, vram_gib: float, *, gpu: str | None = None, surely: bool = True
) -> int | None:
    """The most requests of the setup's length that are answered at once, up to 4,096; None where not even one is."""
    return _Search(model, setup, vram_gib, gpu).count("concurrent", surely=surely)


def fits_table(
    vram_gib: float,
    models: Iterable[ModelSpec],
    methods: Iterable[Method],
    *,
    seq_len: int = REFERENCE_TOKENS,
    gpus: int = 1,
    gpu: str | None = None,
    **fields: Any,
) -> tuple[FitRow, ...]:
    """A row for each model and method, in the order given; further `fields` of TrainSetup hold for all of them."""
    asked = tuple(methods)
    return tuple(
        _row(model, method_setup(method, **{**fields, "seq_len": seq_len, "gpus": gpus}), vram_gib, gpu)
        for model in models
        for method in asked
    )


def _row(model: ModelSpec, setup: TrainSetup, vram_gib: float, gpu: str | None) -> FitRow:
    setup = replace(setup, batch_size=1, seq_len=min(setup.seq_len, model.context_tokens or setup.seq_len))
    try:
        memory = estimate_memory(model, setup, gpu)
        fits = verdict(memory, vram_gib)
        shortest = replace(setup, seq_len=min(SHORTEST_TOKENS, setup.seq_len))
        if fits == "no" and verdict(estimate_memory(model, shortest, gpu), vram_gib) != "no":
            fits = "tight"
    except ValueError as unsuited:  # such as BitFit of a model without biases
        return _unsuited(model, setup, str(unsuited))
    search = _Search(model, setup, vram_gib, gpu, memory)
    return FitRow(
        model=model,
        method=setup.method,
        seq_len=setup.seq_len,
        fits=fits,
        longest_seq_len=None if fits == "no" else search.tokens("seq_len", surely=True),
        largest_batch=search.count("batch_size", surely=True) if fits == "yes" else None,
        needs_gib=memory.high_gib,
        may_seq_len=search.tokens("seq_len", surely=False) if fits == "tight" else None,
        may_batch=search.count("batch_size", surely=False) if fits == "tight" else None,
    )


def _unsuited(model: ModelSpec, setup: TrainSetup, why: str) -> FitRow:
    return FitRow(
        model=model,
        method=setup.method,
        seq_len=setup.seq_len,
        fits="no",
        longest_seq_len=None,
        largest_batch=None,
        needs_gib=None,
        why_not=why,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for the largest value of one field of the setup; `known` is the setup's own memory where it was asked."""

    model: ModelSpec
    setup: TrainSetup | ServeSetup
    vram_gib: float
    gpu: str | None
    known: MemoryEstimate | None = None

    def tokens(self, field: str, *, surely: bool) -> int | None:
        window = self.model.context_tokens or UNKNOWN_WINDOW_TOKENS
        return self._largest(field, max(1, window // TOKEN_STEP), TOKEN_STEP, surely)

    def count(self, field: str, *, surely: bool) -> int | None:
        return self._largest(field, MOST_ROWS, 1, surely)

    def _largest(self, field: str, top: int, step: int, surely: bool) -> int | None:
        def need(steps: int) -> float:
            changed: dict[str, Any] = {field: steps * step}
            return _need(estimate_memory(self.model, replace(self.setup, **changed), self.gpu), surely)

        start = None
        if self.known is not None and (steps := getattr(self.setup, field) // step) >= 1:
            start = steps, _need(self.known, surely)
        return (_largest(need, self.vram_gib, top, start) or 0) * step or None


def _need(memory: MemoryEstimate, surely: bool) -> float:
    return memory.high_gib if surely else memory.device_gib


def _largest(
    need: Callable[[int], float], limit: float, top: int, start: tuple[int, float] | None = None
) -> int | None:
    """The largest of 1 to `top` whose need is within the limit, None where 1 exceeds it; `need` must not fall.

    `start` is a number and what it needs at most. Memory is nearly linear in tokens, so interpolation finds the edge in
    about four calls; every third step halves the range instead, which bounds the calls where it is not.
    """
    low, low_need = start if start and start[0] <= top and start[1] <= limit else (1, need(1))
    if low_need > limit:
        return None
    high = top
    high_need = need(high) if high > low else low_need
    if high_need <= limit:
        return high
    tries = 0
    while high - low > 1:
        tries += 1
        share = 0.5 if tries % 3 == 0 else (limit - low_need) / (high_need - low_need)
        middle = min(max(low + int((high - low) * share), low + 1), high - 1)
        middle_need = need(middle)
        if middle_need <= limit:
            low, low_need = middle, middle_need
        else:
            high, high_need = middle, middle_need
    return low
