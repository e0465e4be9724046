"""Measures what a core of this machine computes in embedding and training; two rates of facts/rates.toml rest on it."""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable

import torch
from results import RESULTS, machine, replace_section
from transformers import LlamaConfig, LlamaForCausalLM

from advisor.catalog import find_model
from advisor.duration import embedding_time, training_time
from advisor.setups import ModelSpec, TimeEstimate, TrainSetup
from rag.embed import load_embedder

TITLE = "Embedding and training on the processor"
_WORDS = "rate fund loan fee client report market credit branch order policy limit".split()  # noqa: SIM905
_CHUNKS, _WORDS_EACH = 150, 178
_SHAPES = (  # layers, hidden, intermediate, heads, batch, tokens
    (8, 512, 1536, 8, 4, 256),
    (6, 1024, 2816, 16, 2, 256),
)


def embedding(cores: int) -> tuple[str, float, TimeEstimate]:
    """Seconds for the chunks with the project's own embedder, and what is predicted."""
    embedder, rng = load_embedder("minilm"), random.Random(0)
    texts = [" ".join(rng.choices(_WORDS, k=_WORDS_EACH)) for _ in range(_CHUNKS)]
    embedder.embed(texts[:8])
    tokens = sum(embedder.count_tokens(text) for text in texts)
    seconds = _timed(lambda: embedder.embed(texts))
    predicted = embedding_time(
        tokens, find_model("minilm"), cpu_cores=cores, chunk_tokens=tokens // len(texts)
    )
    return f"MiniLM, {_CHUNKS} chunks, {tokens / seconds:,.0f} tokens/s", seconds, predicted


def training(cores: int, shape: tuple[int, ...]) -> tuple[str, float, TimeEstimate]:
    """Seconds of a forward and backward pass of a randomly initialised Llama in fp32, and what is predicted."""
    layers, hidden, intermediate, heads, batch, tokens = shape
    config = LlamaConfig(
        num_hidden_layers=layers, hidden_size=hidden, intermediate_size=intermediate, num_attention_heads=heads,
        num_key_value_heads=heads, vocab_size=32_000, tie_word_embeddings=True,
    )  # fmt: skip
    model, rows = LlamaForCausalLM(config).train(), torch.randint(0, 32_000, (batch, tokens))

    def step() -> None:
        model.zero_grad()
        model(input_ids=rows, labels=rows).loss.backward()

    step()
    seconds = _timed(step)
    spec = ModelSpec(
        name="random", layers=layers, hidden=hidden, intermediate=intermediate, heads=heads, kv_heads=heads,
        vocab=32_000, tied_embeddings=True,
    )  # fmt: skip
    setup = TrainSetup(method="full", seq_len=tokens, batch_size=batch, gradient_checkpointing=False)
    predicted = training_time(spec, setup, rows=batch, cpu_cores=cores)
    return f"Llama shape {layers} x {hidden}, a step of {batch} x {tokens} tokens", seconds, predicted


def section(rows: list[tuple[str, float, TimeEstimate]], cores: int) -> str:
    lines = [
        f"## {TITLE}",
        "",
        "What was measured here is what the rates of a core in embedding and in training were set to; other machines",
        "are what the interval is for.",
        "",
        "| work | s | predicted s | interval s | 10^9 operations/s and core |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, seconds, found in rows:
        low, usual, high = (hours * 3600 for hours in (found.low_hours, found.hours, found.high_hours))
        lines.append(
            f"| {name} | {seconds:.1f} | {usual:.1f} | {low:.1f} to {high:.1f} "
            f"| {found.flops / seconds / cores / 1e9:.0f} |"
        )
    return "\n".join([*lines, "", machine()])


def _timed(work: Callable[[], object], times: int = 3) -> float:
    """The median of a few runs."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return sorted(found)[times // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the section of RESULTS.md")
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    rows = [embedding(cores), *(training(cores, shape) for shape in _SHAPES)]
    text = section(rows, cores)
    print(text)
    if parser.parse_args().write:
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    main()
