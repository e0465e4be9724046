"""Memory and time of real training runs on a card beside what the advisor says before; needs CUDA.

Weights are random, in the shapes of catalogued models: memory and time do not depend on what weights say. Each run is
`finetune.train` in a process of its own, as `advisor train` would start it.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from statistics import mean, median
from typing import Any

from results import RESULTS, tell

TITLE = "Memory and time on a card: predicted against measured"
STEPS = 6


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run of a catalogued shape."""

    model: str
    method: str
    batch_size: int
    seq_len: int
    checkpointing: bool

    def label(self) -> str:
        name, kept = self.model.split("/")[-1], "yes" if self.checkpointing else "no"
        return f"{name} | {self.method} | {self.batch_size} | {self.seq_len:,} | {kept}"


def runs() -> list[Run]:
    """Small, middle and large shapes; the large ones as far as one card of 80 GB goes."""
    small, middle, large = (
        "Qwen/Qwen2.5-0.5B-Instruct",
        "meta-llama/Llama-3.2-3B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
    )
    plan = [
        (small, ("full", "lora", "qlora"), ((1, 512), (4, 2048)), (True, False)),
        (middle, ("lora", "qlora"), ((1, 1024), (4, 2048)), (True, False)),
        (large, ("lora", "qlora"), ((1, 512), (4, 2048)), (True,)),
    ]
    return [
        Run(model=model, method=method, batch_size=batch, seq_len=tokens, checkpointing=checkpointing)
        for model, methods, sizes, ways in plan
        for method in methods
        for batch, tokens in sizes
        for checkpointing in ways
    ]


def save_random_model(name: str, folder: Path) -> None:
    """A model folder of a catalogued shape: bf16 weights drawn on the card, and a tokenizer of single characters."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from advisor import find_model
    from advisor.hub_config import hub_config

    values = hub_config(find_model(name))
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = AutoModelForCausalLM.from_config(config)
    torch.set_default_dtype(default)
    model.generation_config.eos_token_id = 0
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    del model
    gc.collect()
    torch.cuda.empty_cache()


def _tokenizer() -> Any:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    signs = ["<end>", "<unk>", *map(chr, range(32, 127))]
    raw = Tokenizer(models.WordLevel({sign: number for number, sign in enumerate(signs)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<end>", pad_token="<end>", unk_token="<unk>"
    )
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}<end>{% endif %}"
        "{% endfor %}"
    )
    return tokenizer


def measure(given: dict[str, Any]) -> dict[str, Any]:
    """A few steps with full batches of rows that fill the length."""
    import torch

    from apps.predicted_memory import predicted_memory
    from finetune import TrainConfig, train
    from finetune.schema import Example

    gc.collect()
    torch.cuda.empty_cache()
    turns = ({"role": "user", "content": "ask"}, {"role": "assistant", "content": "word " * given["seq_len"]})
    config = TrainConfig(
        model=given["folder"], out=given["out"], method=given["method"], batch_size=given["batch_size"],
        max_length=given["seq_len"], max_steps=STEPS, gradient_checkpointing=given["checkpointing"], general="none",
        save_steps=10_000, overwrite=True, allow=("truncated", "duplicates", "no_eos"),
    )  # fmt: skip
    steps: list[float] = []
    result = train(
        [Example(messages=turns, line=line) for line in range(9)],  # too few for any to be held out
        config,
        on_step=lambda figures: steps.append(figures.seconds),
        predict=predicted_memory,
    )
    reserved = torch.cuda.max_memory_reserved() / 2**30
    return {**result.card.memory, "reserved_gib": reserved, "step_s": median(steps[2:])}


def measure_all(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In a process of its own; one that fails leaves a line on why."""
    found = []
    for given in runs:
        try:
            found.append(measure(given))
        except (ValueError, RuntimeError, OSError) as error:
            found.append({"error": " ".join(str(error).split())[:160]})
    return found


def in_process(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `measure_all` found; of a process that died, its last line for each run."""
    done = subprocess.run(
        [sys.executable, __file__, "--these", json.dumps(runs)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return [{"error": (done.stderr.strip() or "no reason given").splitlines()[-1][:160]}] * len(runs)
    return list(json.loads(done.stdout.strip().splitlines()[-1]))


def report(rows: list[tuple[Run, dict[str, Any]]], card: str) -> list[str]:
    lines = [
        f"## {TITLE}",
        "",
        "Peak of the tensors of `finetune.train` in GiB, six steps on random weights in the shapes of these models,",
        "beside what `advisor` says before the run. Reserved: with the gaps of PyTorch's allocator, to be held against",
        "the interval. Made by `benchmarks/memory_card.py`.",
        "",
        "| model | method | batch | tokens | checkpointing | predicted | interval | measured | error | reserved "
        "| s a step |",
        "|---|---|---:|---:|---|---:|---|---:|---:|---:|---:|",
    ]
    errors, inside = [], []
    for run, found in rows:
        if "error" in found:
            lines.append(f"| {run.label()} | | | {found['error']} | | | |")
            continue
        predicted, measured = found["predicted_gib"], found["measured_gib"]
        errors.append(100 * (predicted / measured - 1))
        inside.append(found["low_gib"] <= found["reserved_gib"] <= found["high_gib"])
        lines.append(
            f"| {run.label()} | {predicted:.2f} | {found['low_gib']:.1f} to {found['high_gib']:.1f} | {measured:.2f} "
            f"| {errors[-1]:+.1f}% | {found['reserved_gib']:.2f} | {found['step_s']:.3f} |"
        )
    sizes = [abs(error) for error in errors]
    if sizes:
        said = (
            f"{len(sizes)} runs: median error {median(sizes):.1f} %, mean {mean(sizes):.1f} %, "
            f"largest {max(sizes):.1f} %; the interval holds the reserved memory of {sum(inside)}."
        )
        lines += ["", said]
    return [*lines, "", f"Card: {card}; {time.strftime('%Y-%m-%d')}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names of models and methods")
    parser.add_argument("--out", type=Path, help="a file for the section")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    parser.add_argument("--these", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.these:
        print(json.dumps(measure_all(json.loads(chosen.these))))
        return
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("No CUDA card is here; this benchmark needs one.")
    rows: list[tuple[Run, dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as place:
        wanted = [
            run
            for run in runs()
            if not chosen.only or any(part in f"{run.model} {run.method}" for part in chosen.only)
        ]
        for (model, _), group in groupby(wanted, key=lambda run: (run.model, run.method)):
            folder = Path(place) / model.replace("/", "--")
            if not folder.is_dir():
                save_random_model(model, folder)
            these = list(group)
            given = [{**asdict(run), "folder": str(folder), "out": f"{place}/adapter"} for run in these]
            rows += zip(these, in_process(given), strict=True)
            print(*((run.label(), found) for run, found in rows[-len(these) :]), sep="\n", flush=True)
            shutil.rmtree(f"{place}/adapter", ignore_errors=True)
            if chosen.out:
                chosen.out.write_text("\n".join(report(rows, torch.cuda.get_device_name())), "utf-8")
    text = "\n".join(report(rows, torch.cuda.get_device_name()))
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
