"""Keyword engines side by side on as many chunks as asked: time to build, search, update and open, bytes, memory.

Chunks are made up: 40 to 140 words drawn from a vocabulary as skewed as that of text without its stop words. A query
is 3 to 12 words of one chunk. Each engine runs in processes of its own. Quality is measured on two shared search sets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keyword_rivals import ENGINES, Engine
from results import RESULTS, machine, tell
from search_sets import SETS, gold_of, lines_of, ndcg

from rag.words import index_terms

TITLE = "Keyword engines"
QUALITY_SETS = ("squad_en", "finance_zh")
SEED, K, QUERIES = 4, 40, 500


def synthetic(chunks: int) -> list[list[str]]:
    """Zipf-Mandelbrot: the r-th word comes with 1 / (r + 50), so that the most frequent is in a fifth of the chunks."""
    random = np.random.default_rng(SEED)
    words = np.array(_vocabulary(300_000))
    chances = np.cumsum(1 / (np.arange(len(words)) + 50))
    lengths = random.integers(40, 141, size=chunks)
    drawn = np.searchsorted(chances, random.random(int(lengths.sum())) * chances[-1])
    ends = np.cumsum(lengths)
    texts = words.tolist()
    return [[texts[at] for at in drawn[end - size : end]] for end, size in zip(ends, lengths, strict=True)]


def _vocabulary(size: int) -> list[str]:
    """Pronounceable words; the frequent ones are short. None of them is changed by the stemmer."""
    syllables = [f"{first}{vowel}" for first in "bdfgklmnprstvz" for vowel in "aou"]
    found: list[str] = []
    number = 0
    while len(found) < size:
        number, rest, word = number + 1, number + len(syllables), ""
        while rest:
            rest, at = divmod(rest, len(syllables))
            word = syllables[at] + word
        if index_terms(word) == [word]:
            found.append(word)
    return found


def queries(chunks: Sequence[Sequence[str]], count: int = QUERIES) -> list[list[str]]:
    random = np.random.default_rng(SEED + 1)
    chosen = [chunks[at] for at in random.integers(0, len(chunks), size=count)]
    return [list(random.choice(terms, size=random.integers(3, 13), replace=False)) for terms in chosen]


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def written(folder: Path) -> dict[str, float]:
    """Build and update, in a process that ends before the searches begin."""
    name, count = folder.name, int((folder.parent / "chunks").read_text())
    engine: Engine = ENGINES[name]()
    chunks = synthetic(count)
    (folder.parent / "queries.json").write_text(json.dumps(queries(chunks)))
    start = time.perf_counter()
    engine.build(folder, chunks)
    built = time.perf_counter() - start
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    random = np.random.default_rng(SEED + 2)
    changed = sorted(random.choice(count, size=max(count // 100, 1), replace=False).tolist())
    for position in changed:
        chunks[position] = chunks[position][::2] + ["changed"]
    start = time.perf_counter()
    engine.replace(folder, chunks, changed)
    return {"build": built, "bytes": size, "update": time.perf_counter() - start}


def searched(folder: Path) -> dict[str, float]:
    """Sums, open and search, in a process that has seen no chunk."""
    asked = json.loads((folder.parent / "queries.json").read_text())
    engine: Engine = ENGINES[folder.name]()
    start = time.perf_counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            hashlib.sha256(path.read_bytes()).hexdigest()
    summed = time.perf_counter() - start
    before = resident_mib()
    start = time.perf_counter()
    engine.open(folder)
    opened = time.perf_counter() - start
    engine.search(asked[0], K)
    times = []
    for terms in asked:
        start = time.perf_counter()
        engine.search(terms, K)
        times.append(1000 * (time.perf_counter() - start))
    p50, p95 = np.percentile(times, [50, 95])
    return {"sums": summed, "open": opened, "p50": p50, "p95": p95, "rss": resident_mib() - before}


def quality(name: str) -> list[float]:
    """nDCG@10 with the terms of this program, test queries."""
    found = []
    for data in QUALITY_SETS:
        corpus, gold = lines_of(SETS / data / "corpus.jsonl.gz"), gold_of(SETS / data)
        chunks = [index_terms(f"{row.get('title', '')}\n{row['text']}") for row in corpus]
        engine: Engine = ENGINES[name]()
        with tempfile.TemporaryDirectory() as folder:
            engine.build(Path(folder), chunks)
            engine.open(Path(folder))
            asked = [row for row in lines_of(SETS / data / "queries.jsonl.gz") if row["_id"] in gold]
            orders = (
                [corpus[at]["_id"] for at in engine.search(index_terms(row["text"]), 10)] for row in asked
            )
            scores = [ndcg(order, gold[row["_id"]]) for row, order in zip(asked, orders, strict=True)]
        found.append(float(np.mean(scores)))
    return found


def apart(step: str, folder: Path) -> Any:
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def row(name: str, chunks: int) -> str:
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / name
        folder.mkdir()
        (Path(work) / "chunks").write_text(str(chunks))
        found = apart("written", folder) | apart("searched", folder)
    scores = apart("quality", Path(name)) if SETS.is_dir() else []
    cells = [
        f"{found['build']:.1f}", f"{found['p50']:.2f}", f"{found['p95']:.2f}", f"{found['update']:.2f}",
        f"{found['open']:.3f}", f"{found['sums']:.2f}", f"{found['bytes'] / 1e6:.0f}", f"{found['rss']:.0f}",
        *([f"{score:.3f}" for score in scores] or ["-"] * len(QUALITY_SETS)),
        ENGINES[name].crash,
    ]  # fmt: skip
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    parser.add_argument("--step", choices=["written", "searched", "quality"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        step = {"written": written, "searched": searched, "quality": lambda folder: quality(folder.name)}
        print(json.dumps(step[chosen.step](chosen.folder)))
        return
    columns = [
        *("build s", "search p50 ms", "p95 ms", "update 1 % s", "open s", "sums s", "MB", "RSS MiB"),
        *(f"nDCG@10 {name}" for name in QUALITY_SETS),
    ]
    text = "\n".join(
        [
            f"## {TITLE}", "",
            f"{chosen.chunks:,} made-up chunks of 40 to 140 words, {QUERIES} queries of 3 to 12 words, k = {K}. All",
            "engines take the same ready terms. `sums`: SHA-256 of all files. RSS: what opening and searching added.",
            "",
            f"| engine | {' | '.join(columns)} | after a kill, after a deletion |",
            "|---|" + "---:|" * len(columns) + "---|",
            *(row(name, chosen.chunks) for name in chosen.engines), "",
            machine(),
        ]
    )  # fmt: skip
    tell(TITLE, text, chosen.write)


if __name__ == "__main__":
    main()
