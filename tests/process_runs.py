"""Runs that test_processes.py starts in two processes by torchrun; each process writes down what it met."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from apps.cli import main as advisor
from finetune import TrainConfig, train
from finetune.processes import place
from finetune.schema import Example

QUIET = {"general": "none", "metric_rows": 0}
PLAIN: dict[str, Any] = {**QUIET, "max_steps": 8, "learning_rate": 1e-2, "batch_size": 2, "save_steps": 100}
# 13 rows do not divide among two processes, nor do 5 that are held out.
UNEVEN = {
    **PLAIN,
    "max_steps": None,
    "epochs": 2,
    "accumulation": 2,
    "eval_steps": 2,
    "patience": 0,
    "learning_rate": 2e-3,
}
SCORED = {**UNEVEN, "general": None, "metric_rows": 5}
BLOCKS = {**PLAIN, "objective": "pretrain", "method": "full", "max_length": 32, "max_steps": 5}
LABELS = {**UNEVEN, "objective": "classify", "method": "full"}
WATCHED = {**PLAIN, "max_steps": 60, "eval_steps": 2, "patience": 2, "learning_rate": 3e-2}


def chats(taught: int, held_out: int, *, strange: bool = False) -> list[Example]:
    rows = []
    for number in range(taught + held_out):
        answer = f"Item {number} is blue" + " and red" * (number % 4)
        if strange and number >= taught:
            answer = "qqq zz 7 xx"
        turns = ({"role": "user", "content": f"What is {number}?"}, {"role": "assistant", "content": answer})
        rows.append(Example(messages=turns, split="train" if number < taught else "dev"))
    return rows


def documents() -> list[Example]:
    return [Example(text=f"Document {number}. " + "It rains. " * (3 + number % 5)) for number in range(14)]


def labelled() -> list[Example]:
    words = ["the soup is hot", "a ripe mango", "bread", "shares fell again", "bonds rallied", "profit"]
    return [
        Example(
            text=f"{words[number % 6]} {number}",
            label="food" if number % 6 < 3 else "money",
            split="test" if number >= 13 else "train",
        )
        for number in range(18)
    ]


@contextmanager
def in_one_process(call: int, happen: Callable[[Any], Any], *, once: bool = False) -> Iterator[None]:
    """In the second process alone, `happen` meets the first layer's output from the given training pass on."""
    calls = 0

    def look(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> Any:
        nonlocal calls
        if not (isinstance(module, torch.nn.Embedding) and module.training and place() == 1):
            return None
        calls += 1
        return happen(output) if calls == call or (calls > call and not once) else None

    hook = register_module_forward_hook(look)
    try:
        yield
    finally:
        hook.remove()


def too_large(output: torch.Tensor) -> None:
    if output.shape[0] > 1:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def no_numbers(output: torch.Tensor) -> torch.Tensor:
    return output * float("nan")


def ask_to_stop(output: torch.Tensor) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Runs:
    """Trains one after another and keeps what each run left, or how it ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, Any] = {}

    def run(self, name: str, rows: list[Example], out: str = "", **settings: Any) -> None:
        said: list[str] = []
        config = TrainConfig(
            model=str(self.folder / "model"), out=str(self.folder / (out or name)), **settings
        )
        try:
            result = train(rows, config, say=said.append)
            kept: dict[str, Any] = {
                "losses": result.losses,
                "steps": result.steps,
                "after": result.card.metrics_after,
                "before": result.card.metrics_before,
                "forgetting": result.card.forgetting,
                "gains": result.card.gains,
                "stopped": result.card.stopped,
                "notes": result.notes,
            }
        except (ValueError, OSError, KeyboardInterrupt) as error:
            kept = {"kind": type(error).__name__, "error": str(error)}
        self.kept[name] = {**kept, "said": said}


class Held:
    """Counts the weights that this process holds, at the first step, and those of the whole model."""

    def __init__(self) -> None:
        self.parts = self.whole = 0

    def __call__(self, module: torch.nn.Module, inputs: object) -> None:
        if type(module).__name__.endswith("LlamaForCausalLM") and not self.whole:
            weights = list(module.parameters())
            self.whole = sum(weight.numel() for weight in weights)
            self.parts = sum(getattr(weight, "_local_tensor", weight).numel() for weight in weights)


def spread(runs: Runs) -> None:
    """With FSDP: a whole run, and one that is stopped in between and goes on."""
    for method in ("lora", "full"):
        held = Held()
        hook = register_module_forward_pre_hook(held)
        answers = {"metric_rows": 1} if method == "lora" else {}
        runs.run(method, chats(13, 5), **{**UNEVEN, **answers}, method=method)
        hook.remove()
        runs.kept[method] |= {"parts": held.parts, "whole": held.whole}
        with in_one_process(4, ask_to_stop, once=True):
            runs.run(f"{method} stopped", chats(13, 5), **UNEVEN, method=method)
        runs.run(f"{method} resumed", chats(13, 5), f"{method} stopped", **UNEVEN, method=method, resume=True)
    runs.run("qlora", chats(13, 5), **PLAIN, method="qlora")


def command(folder: Path) -> dict[str, Any]:
    """`advisor train` in this process: its status and what it prints."""
    flags = ["--max-steps", "2", "--batch-size", "2", "--general", "none", "--metric-rows", "0"]
    said, printed = StringIO(), StringIO()
    with redirect_stderr(said), redirect_stdout(printed):
        status = advisor(
            ["train", str(folder / "rows.jsonl"), "--model", str(folder / "model"), *flags]
            + ["--out", str(folder / "command")]
        )
    return {"status": status, "said": said.getvalue(), "printed": printed.getvalue()}


def everything(runs: Runs) -> None:
    runs.run("uneven", chats(13, 5), **SCORED)
    runs.run("blocks", documents(), **BLOCKS)
    runs.run("labels", labelled(), **LABELS)
    runs.run("watched", chats(13, 2, strange=True), **WATCHED)
    runs.run("wrong", chats(13, 2), **{**PLAIN, "method": "features", "objective": "classify"})
    with in_one_process(1, too_large):
        runs.run("little memory", chats(13, 2), **PLAIN)
    with in_one_process(6, no_numbers):  # the first two passes are those that try the rows
        runs.run("broken", chats(13, 2), **PLAIN)
    with in_one_process(5, ask_to_stop, once=True):
        runs.run("stopped", chats(13, 2), **PLAIN)
    runs.run("resumed", chats(13, 2), out="stopped", **PLAIN, resume=True)
    runs.run("finished", chats(13, 2), out="stopped", **PLAIN, resume=True)
    runs.kept["command"] = command(runs.folder)


def main(what: str, folder: Path) -> None:
    runs = Runs(folder)
    {"all": everything, "spread": spread}[what](runs)
    (folder / f"met-{place()}.json").write_text(json.dumps(runs.kept), "utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], Path(sys.argv[2]))
