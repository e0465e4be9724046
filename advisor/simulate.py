"""Answers the memory question by running one training step of the real model code on fake tensors, without a card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .setups import TrainSetup

try:
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
        UnsupportedFakeTensorException,
    )

    from .live_storages import LiveStorages
    from .simulated_method import DTYPES
    from .simulated_model import layer_key, normalised, with_layers
    from .simulated_step import run_step
except ImportError as error:
    missing = (error.name or "torch").split(".")[0]
    raise ImportError(f"Simulation needs {missing}: pip install 'llm-adaptation-advisor[train]'") from None

GIB = 2.0**30
MOMENTS = ("load", "forward", "loss", "backward", "step")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """GiB (2^30 bytes) of live tensors in one training step of a card; no allocator gaps, no CUDA context.

    `moments` holds the peak in each of load, forward, loss, backward and step; `peak` names the highest.
    """

    allocated_gib: float
    moments: dict[str, float]
    peak: str
    parts: dict[
        str, float
    ]  # weights, adapters, optimizer; rest = gradients, activations, logits, temporaries
    layers_run: tuple[int, ...]  # layers that were simulated; the rest follows as a straight line
    layers: int


def simulate_memory(config: str | Path | dict[str, Any], setup: TrainSetup) -> Simulation:
    """Peak of live tensors of one step in steady state (optimizer states are there), on one card.

    `config` is a config.json: its path, its folder, or its content. Raises ValueError for what cannot run on fake
    tensors (quantised weights, fused kernels, losses with a second model), naming what can.
    """
    values = normalised(read(config))
    check(setup)
    layers = int(values[layer_key(values)])
    run = _layers_to_run(values, layers, setup)
    runs = [_run(with_layers(values, count), setup) for count in run]
    sizes = [(tracker.peaks, parts) for tracker, parts in runs]
    moments = {name: _at(layers, run, [size[0][name] for size in sizes]) for name in sizes[0][0]}
    parts = {name: _at(layers, run, [size[1][name] for size in sizes]) for name in sizes[0][1]}
    peaks = {
        moment: max(size for name, size in moments.items() if name.split(":")[0] == moment) / GIB
        for moment in MOMENTS
    }
    peak = max(peaks, key=lambda moment: peaks[moment])
    held = {name: size / GIB for name, size in parts.items()}
    return Simulation(
        allocated_gib=peaks[peak],
        moments=peaks,
        peak=peak,
        parts={**held, "rest": peaks[peak] - sum(held.values())},
        layers_run=run,
        layers=layers,
    )


def alive_at_peak(
    config: str | Path | dict[str, Any], setup: TrainSetup, layers: int = 2, moment: str | None = None
) -> list[tuple[str, int, int]]:
    """What is alive at the peak of a model of so many layers: (made where and by what, bytes of each, how many).

    `moment` names one (`load`, `forward:last`, `loss`, `backward:first`, `step` ...) instead of the highest.
    """
    values = with_layers(normalised(read(config)), layers)
    check(setup)
    tracker, _ = _run(values, setup)
    moment = moment or max(tracker.peaks, key=lambda name: tracker.peaks[name])
    if moment not in tracker.peaks:
        raise ValueError(f"No moment {moment!r}; choose one of {sorted(tracker.peaks)}.")
    seen = _run(values, setup, tracker.peak_at[moment])[0].seen
    rows = [(text, size, count) for (text, size), count in seen.items()]
    return sorted(rows, key=lambda row: -row[1] * row[2])


def read(config: str | Path | dict[str, Any]) -> dict[str, Any]:
    if isinstance(config, dict):
        return config
    path = Path(config)
    path = path / "config.json" if path.is_dir() else path
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object; give a Hugging Face config.json.")
    return content


def check(setup: TrainSetup) -> None:
    """Raises ValueError for a setup whose kernels do not run on fake tensors, or whose effect they do not show."""
    if setup.weight_dtype not in DTYPES:
        raise ValueError(
            f"{setup.weight_dtype} weights cannot be simulated: quantised kernels do not run on fake tensors; "
            f"choose one of {list(DTYPES)}, or use the estimate."
        )
    if setup.loss_kernel == "fused":
        raise ValueError(
            "The fused loss is a Triton kernel and cannot be simulated; choose stock or chunked."
        )
    if setup.gpus > 1 or setup.sharding not in ("none", "ddp"):
        raise ValueError("One card without sharding can be simulated; use the estimate for several.")
    if setup.optimizer_dtype not in ("auto", setup.weight_dtype):
        raise ValueError(
            f"Moments in {setup.optimizer_dtype} are no torch optimizer's; use optimizer_dtype 'auto'."
        )
    if setup.optimizer_in_backward or setup.offload_activations:
        raise ValueError(
            "Neither optimizer_in_backward nor offload_activations is simulated; use the estimate."
        )


def _layers_to_run(values: dict[str, Any], layers: int, setup: TrainSetup) -> tuple[int, ...]:
    """Two and four layers, or one and two periods of a longer pattern of layer types."""
    kinds = values.get("layer_types") or ["same"]
    period = next(
        step
        for step in range(1, len(kinds) + 1)
        if all(a == b for a, b in zip(kinds, kinds[step:], strict=False))
    )
    short = 2 if period <= 2 else period
    if setup.method == "last_layers":
        short += setup.tuned_layers  # two frozen layers, then more
        return (layers,) if layers <= short + 2 else (short, short + 2)
    return (layers,) if layers <= 2 * short else (short, 2 * short)


def _at(layers: int, run: tuple[int, ...], sizes: list[float]) -> float:
    """Each moment is linear in the layers."""
    if len(run) == 1:
        return sizes[0]
    return sizes[0] + (sizes[1] - sizes[0]) / (run[1] - run[0]) * (layers - run[0])


def _run(
    values: dict[str, Any], setup: TrainSetup, stop_at: int | None = None
) -> tuple[LiveStorages, dict[str, int]]:
    try:
        return run_step(values, setup, stop_at)
    except (DataDependentOutputException, DynamicOutputShapeException, UnsupportedFakeTensorException):
        raise ValueError(
            f"The code of {values['model_type']} reads values, which fake tensors lack; use the estimate."
        ) from None
