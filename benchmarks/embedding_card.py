"""Embedding with MiniLM on a card, by sentence-transformers, beside what the advisor foretells; needs CUDA."""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from results import RESULTS, replace_section

from advisor.catalog import find_card, find_model
from advisor.duration import embedding_time

TITLE = "Embedding on a card"
_WORDS = "rate fund loan fee client report market credit branch order policy limit".split()  # noqa: SIM905


def measure(model: str, dtype: str, texts: list[str], batch: int) -> float:
    """Seconds for the texts, after a warm-up."""
    import torch
    from sentence_transformers import SentenceTransformer

    kind = getattr(torch, dtype)
    loaded = SentenceTransformer(model, device="cuda", local_files_only=True, model_kwargs={"dtype": kind})
    loaded.encode(texts[: 4 * batch], batch_size=batch, show_progress_bar=False)
    torch.cuda.synchronize()
    began = time.perf_counter()
    loaded.encode(texts, batch_size=batch, show_progress_bar=False)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a folder with MiniLM's weights")
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--out", type=Path, help="a file for the section")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("No CUDA card is here; this benchmark needs one.")
    name, rng = torch.cuda.get_device_name(), random.Random(0)
    texts = [" ".join(rng.choices(_WORDS, k=178)) for _ in range(chosen.count)]
    tokens = 180 * len(texts)
    predicted = embedding_time(tokens, find_model("minilm"), card=find_card(name))
    interval = f"{3600 * predicted.low_hours:.1f} to {3600 * predicted.high_hours:.1f}"
    lines = [
        f"## {TITLE}",
        "",
        f"{len(texts):,} chunks of 180 tokens through sentence-transformers, tokenizer included. The advisor foretells",
        f"{3600 * predicted.hours:.1f} s ({interval}). Made by `benchmarks/embedding_card.py`.",
        "",
        "| weights | batch | s | tokens/s |",
        "|---|---:|---:|---:|",
    ]
    for dtype in ("float32", "float16", "bfloat16"):
        for batch in (32, 512):
            seconds = measure(chosen.model, dtype, texts, batch)
            lines.append(f"| {dtype} | {batch} | {seconds:.1f} | {tokens / seconds:,.0f} |")
            print(lines[-1], flush=True)
    text = "\n".join([*lines, "", f"Card: {name}; {time.strftime('%Y-%m-%d')}."])
    print(text)
    if chosen.out:
        chosen.out.write_text(text, "utf-8")
    if chosen.write:
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    main()
