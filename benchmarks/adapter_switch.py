"""Times of many adapters on one base: a switch beside a fresh load, and one batch of tenants beside one after another.

Random weights: the times do not depend on what they say.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from results import machine
from tiny_families import build

from finetune import TrainConfig, load_generator, train
from finetune.schema import Example
from finetune.tenants import Tenants, load_tenants

ASK = [{"role": "user", "content": "Item 3?"}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapters", type=int, default=8)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=16, help="written for each answer")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = build(Path(scratch) / "base", "llama", width=args.width, layers=args.layers)
        folders = {f"tenant {n}": _trained(base, Path(scratch) / str(n), n) for n in range(args.adapters)}
        tenants = load_tenants(str(base), folders, max_new_tokens=args.tokens)
        first = folders["tenant 0"]
        load = _median(lambda: load_generator(str(base), first), 5)
        names = list(folders)
        switches = [_timed(lambda name=name: tenants._switch(name)) for name in names * 5]  # type: ignore[misc]
        single = _median(lambda: [_answer(tenants, name) for name in names], 3)
        batch = _median(lambda: tenants.answers([(name, ASK) for name in names]), 3)
    print(f"{args.adapters} LoRA adapters of rank 16 on {args.layers} layers of width {args.width}")
    print(
        f"a fresh load {load * 1e3:.0f} ms, a switch {median(switches) * 1e3:.1f} ms (x {load / median(switches):.0f})"
    )
    print(f"one answer each: one by one {single:.2f} s, in one batch {batch:.2f} s (x {single / batch:.1f})")
    print(machine())


def _trained(base: Path, out: Path, seed: int) -> str:
    rows = [
        Example(
            messages=(
                {"role": "user", "content": f"Item {n}?"},
                {"role": "assistant", "content": f"{n} is blue."},
            )
        )
        for n in range(4)
    ]
    settings = TrainConfig(
        model=str(base),
        out=str(out),
        max_steps=1,
        learning_rate=1e-2,
        seed=seed,
        general="none",
        metric_rows=0,
    )
    return train(rows, settings).path


def _answer(tenants: Tenants, name: str) -> str:
    return "".join(tenants.stream(ASK, tenant=name))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _median(work: Callable[[], object], times: int) -> float:
    return median(_timed(work) for _ in range(times))


if __name__ == "__main__":
    main()
