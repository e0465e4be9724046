"""Compares ways to embed with MiniLM on this processor: speed, start, memory, nearness to fp32, nDCG@10.

Each way runs in a process of its own, the ways in turn, `--rounds` times; the best round counts. Embedding whole
corpora for nDCG takes minutes a way; `--no-ndcg` leaves it out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results import RESULTS, machine, replace_section

SETS = Path(__file__).parents[2] / "shared" / "data" / "retrieval"
NAMES = ("medquad_en", "covidqa_en", "pubmedqa_en", "squad_en")
FIRST = "sentence-transformers fp32"  # what the others are compared with
TITLE = "Embedding with MiniLM, ways and their speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a process measured: `start_s` from its first line to the first vector."""

    start_s: float
    seconds: float
    cpu_s: float
    peak_gib: float


def lines_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def passages(name: str) -> list[str]:
    rows = lines_of(SETS / name / "corpus.jsonl.gz")
    return [f"{row.get('title', '')}\n{row['text']}".strip() for row in rows]


def judged(name: str) -> dict[str, set[str]]:
    """All judged queries, of every split: nothing is trained here, and the test queries alone are few."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((SETS / name / "qrels").glob("*.tsv")):
        for line in path.read_text("utf-8").splitlines()[1:]:
            query, passage, relevance = line.split("\t")
            if int(relevance) > 0:
                found[query].add(passage)
    return found


def sample(count: int) -> list[str]:
    """Passages of two sets in turn, of varied length."""
    texts = [text for name in ("squad_en", "covidqa_en") for text in passages(name)]
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))[:count]]


def measure(way: str, texts: Sequence[str], vectors: Path, without_amx: bool) -> Run:
    """Embeds `texts` in this process and keeps the vectors. The start counts the imports."""
    start = time.perf_counter()
    from embedding_ways import WAYS, forbid_amx

    kept = forbid_amx() if without_amx else None
    embed = WAYS[way]()
    embed(["What is the refund window?"])
    ready, cpu = time.perf_counter(), time.process_time()
    np.save(vectors, np.asarray(embed(texts), dtype=np.float32))
    del kept
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB on Linux
    return Run(
        start_s=ready - start,
        seconds=time.perf_counter() - ready,
        cpu_s=time.process_time() - cpu,
        peak_gib=peak_gib,
    )


def in_process(way: str, texts: Sequence[str], without_amx: bool = False) -> tuple[Run, Any]:
    """`measure` in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        asked, vectors = Path(folder, "texts.json"), Path(folder, "vectors.npy")
        asked.write_text(json.dumps(list(texts)), "utf-8")
        command = [sys.executable, __file__, "--one", way, "--texts", str(asked), "--vectors", str(vectors)]
        command += ["--without-amx"] if without_amx else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{way}: {done.stderr.strip().splitlines()[-1]}")
        return Run(**json.loads(done.stdout.splitlines()[-1])), np.load(vectors)


def ndcg(found: Any, ids: Sequence[str], gold: set[str]) -> float:
    gain = sum(1 / math.log2(rank + 2) for rank, place in enumerate(found) if ids[place] in gold)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(gold))))


def dense_ndcg(way: str, name: str) -> float:
    """nDCG@10 of the dense leg alone, whole passages."""
    gold, rows = judged(name), lines_of(SETS / name / "corpus.jsonl.gz")
    asked = [row for row in lines_of(SETS / name / "queries.jsonl.gz") if row["_id"] in gold]
    texts = passages(name)
    _, vectors = in_process(way, [*texts, *(row["text"] for row in asked)])
    scores = vectors[len(texts) :] @ vectors[: len(texts)].T
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    ids = [row["_id"] for row in rows]
    return float(
        np.mean([ndcg(found, ids, gold[row["_id"]]) for found, row in zip(best, asked, strict=True)])
    )


def table(ways: Sequence[str], options: argparse.Namespace) -> str:
    texts = sample(options.count)
    runs: dict[str, list[Run]] = defaultdict(list)
    vectors: dict[str, Any] = {}
    for _ in range(options.rounds):
        for way in ways:
            run, vectors[way] = in_process(way, texts, options.without_amx)
            runs[way].append(run)
    fastest = {way: min(found, key=lambda run: run.seconds) for way, found in runs.items()}
    sets = () if options.no_ndcg else NAMES
    head = ["way", "texts/s", "ratio", "ratio of CPU time", "start s", "peak GiB", "cosine", "least", *sets]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for way in ways:
        run, first = fastest[way], fastest[ways[0]]
        cosines = (vectors[way] * vectors[ways[0]]).sum(axis=1)
        figures = [f"{len(texts) / run.seconds:.0f}", f"{first.seconds / run.seconds:.2f}"]
        figures += [f"{first.cpu_s / run.cpu_s:.2f}", f"{min(each.start_s for each in runs[way]):.1f}"]
        figures += [f"{run.peak_gib:.2f}", f"{cosines.mean():.4f}", f"{cosines.min():.4f}"]
        rows.append([way, *figures, *(f"{dense_ndcg(way, name):.4f}" for name in sets)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=1000, help="texts that are timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", help="names with commas between them (default: all that can be loaded)")
    parser.add_argument("--without-amx", action="store_true", help="as on processors that lack it (Linux)")
    parser.add_argument("--no-ndcg", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    for hidden in ("--one", "--texts", "--vectors"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.one:
        texts = json.loads(Path(options.texts).read_text("utf-8"))
        run = measure(options.one, texts, Path(options.vectors), options.without_amx)
        print(json.dumps({name: getattr(run, name) for name in Run.__slots__}))
        return
    if not SETS.is_dir():
        raise SystemExit(f"{SETS} is not there; this benchmark needs the shared search sets.")
    import importlib.util

    from embedding_ways import WAYS

    there = [way for way in WAYS if "OpenVINO" not in way or importlib.util.find_spec("openvino")]
    ways = options.ways.split(",") if options.ways else there
    if unknown := [way for way in ways if way not in WAYS]:
        raise SystemExit(f"Unknown way {unknown[0]!r}; choose of {', '.join(WAYS)}.")
    amx = ", AMX switched off" if options.without_amx else ""
    title = TITLE + amx
    about = (
        f"{options.count} passages of squad_en and covidqa_en{amx}. Ratios and cosines are to the first row; "
        "nDCG@10 is of the dense leg\nalone, over all judged queries. The start runs from a fresh process's "
        "imports to its first vector."
    )
    text = f"## {title}\n\n{about}\n\n{table(ways, options)}\n\n{machine()}"
    print(text)
    if options.write:
        replace_section(RESULTS, title, text)


if __name__ == "__main__":
    main()
