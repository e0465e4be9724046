"""Compares the memory formula with one training step of the real model code on fake tensors: tensors alone."""

from __future__ import annotations

import argparse
import dataclasses
from statistics import mean, median
from typing import Any

from results import RESULTS, machine, tell

from advisor import ModelSpec, TrainSetup, estimate_memory, find_model
from advisor.hub_config import hub_config
from advisor.simulate import Simulation, simulate_memory

TITLE = "Memory: formula against simulation"
CATALOGUED = (
    "meta-llama/Llama-2-7b-chat-hf",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-8B",
    "google/gemma-2-9b-it",
    "google/gemma-3-1b-it",
    "microsoft/Phi-3.5-mini-instruct",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
)
# Older shapes that the catalogue does not propose: from the config.json beside the weights of these repositories.
OLDER: dict[str, dict[str, Any]] = {
    "EleutherAI/pythia-6.9b": {
        "model_type": "gpt_neox", "hidden_size": 4096, "intermediate_size": 16384, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 50432, "hidden_act": "gelu", "tie_word_embeddings": False,
        "max_position_embeddings": 2048,
    },
    "openai-community/gpt2-xl": {
        "model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "vocab_size": 50257, "n_positions": 1024,
    },
    "microsoft/phi-2": {
        "model_type": "phi", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 51200, "resid_pdrop": 0.1, "partial_rotary_factor": 0.4,
        "max_position_embeddings": 2048, "tie_word_embeddings": False,
    },
    "facebook/opt-6.7b": {
        "model_type": "opt", "hidden_size": 4096, "ffn_dim": 16384, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 50272, "word_embed_proj_dim": 4096,
        "max_position_embeddings": 2048,
    },
}  # fmt: skip
SEQUENCES = (512, 2048)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="parts of model names")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    rows, errors = [], []
    for name, spec, config in architectures():
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        for method in ("full", "lora"):
            cells, off = compare(spec, config, method)
            rows.append(f"| {name.split('/')[-1]} | {method} | {' | '.join(cells)} |")
            print(rows[-1], flush=True)
            errors += off
    text = report(rows, errors)
    tell(TITLE, text, chosen.write)


def architectures() -> list[tuple[str, ModelSpec, dict[str, Any]]]:
    catalogued = [(name, find_model(name), hub_config(find_model(name))) for name in CATALOGUED]
    older = [(name, ModelSpec.from_config(config), config) for name, config in OLDER.items()]
    return [*catalogued, *older]


def setups(spec: ModelSpec, method: Any) -> list[TrainSetup]:
    """With and without checkpointing, two lengths; GPT-2 ends at 1,024 tokens. Gemma 2 has no sdpa in transformers."""
    longest = spec.context_tokens or SEQUENCES[-1]
    return [
        TrainSetup(
            method=method,
            gradient_checkpointing=checkpointing,
            seq_len=min(tokens, longest),
            attention="eager" if spec.family == "gemma2" else "sdpa",
        )
        for checkpointing in (True, False)
        for tokens in SEQUENCES
    ]


def compare(spec: ModelSpec, config: dict[str, Any], method: Any) -> tuple[list[str], list[float]]:
    """One cell for each setup, and the formula's errors in per cent."""
    cells, errors = [], []
    for setup in setups(spec, method):
        simulated: Simulation = simulate_memory(config, setup)
        estimate = estimate_memory(dataclasses.replace(spec, params_b=None), setup)
        errors.append(100 * (estimate.allocated_gib / simulated.allocated_gib - 1))
        cells.append(
            f"{estimate.allocated_gib:.2f} / {simulated.allocated_gib:.2f} {simulated.peak} ({errors[-1]:+.1f})"
        )
    return cells, errors


def report(rows: list[str], errors: list[float]) -> str:
    sizes = [abs(error) for error in errors]
    within = sum(size <= 3 for size in sizes)
    return "\n".join(
        [
            f"## {TITLE}",
            "",
            "Peak GiB of tensors in one step: formula / simulation, the moment of the simulation's peak (error in %).",
            "bf16 weights, batch 1, AdamW fused, stock loss, LoRA of rank 16 on all linears with fp32 adapters;",
            "sdpa attention, Gemma 2 eager. GPT-2 ends at 1,024 tokens. Made by `benchmarks/memory_simulated.py`.",
            "",
            "| model | method | checkpointing, 512 | checkpointing, 2048 | none, 512 | none, 2048 |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"{within} of {len(sizes)} within 3 %; median {median(sizes):.1f} %, mean {mean(sizes):.1f} %, "
            f"largest {max(sizes):.1f} %.",
            "",
            machine(),
        ]
    )


if __name__ == "__main__":
    main()
