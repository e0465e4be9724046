"""Growth from a thousand to a million chunks: build, open, search, update of 1 %, memory and disk, as table and curve.

Text and vectors are synthetic; everything else is the real `build_index`, `open_index` and `Index.search`.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import time
from pathlib import Path

from measured import (
    BUILD,
    Row,
    Rows,
    arguments,
    folder_mib,
    in_process,
    percentile,
    report,
    resident_mib,
    times_ms,
)
from results import RESULTS, machine, replace_section

TITLE = "Growth of an index"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK = (1_000, 5_000)
PLOT = Path(__file__).parents[1] / "docs" / "scale.svg"
_QUESTIONS = 200


def build(path: Path, chunks: int) -> Row:
    """From documents in memory to an index on disk."""
    from synthetic import CHUNK_TOKENS, SyntheticEmbedder, documents

    from rag import RagConfig, build_index

    start = time.perf_counter()
    given = list(documents(chunks))
    made = time.perf_counter()
    config = RagConfig(chunk_tokens=CHUNK_TOKENS, overlap_tokens=0)
    index = build_index(given, path, config, embedder=SyntheticEmbedder())
    built = time.perf_counter()
    return {
        "chunks": len(index), "build_s": built - made, "made_s": made - start, "peak_mib": _peak_mib(),
        "disk_mib": folder_mib(path),
    }  # fmt: skip


def search(path: Path) -> Row:
    """A fresh process: open, first answer, then many; memory after them."""
    from synthetic import SyntheticEmbedder, questions

    from rag import open_index

    embedder, asked = SyntheticEmbedder(), questions(_QUESTIONS)
    before = resident_mib()
    start = time.perf_counter()
    index = open_index(path, embedder=embedder)
    opened = time.perf_counter()
    index.search(asked[0])
    first = time.perf_counter()
    opened_mib = resident_mib()
    found = times_ms(index.search, asked)
    return {
        "open_s": opened - start, "first_ms": (first - opened) * 1000, "p50_ms": percentile(found, 0.5),
        "p95_ms": percentile(found, 0.95), "opened_mib": opened_mib, "mib": resident_mib(), "bare_mib": before,
    }  # fmt: skip


def update(path: Path, chunks: int) -> Row:
    """1 % of the documents get other words; the index is brought to them from a fresh process."""
    from synthetic import CHUNKS_PER_DOCUMENT, SyntheticEmbedder, documents

    from rag import open_index

    changed = max(chunks // CHUNKS_PER_DOCUMENT // 100, 1)
    given = []
    for document in documents(chunks, version=1, changed=changed):
        given.append(document)
        if len(given) == changed:
            break
    index = open_index(path, embedder=SyntheticEmbedder())
    start = time.perf_counter()
    done = index.add(given)
    return {"update_s": time.perf_counter() - start, "changed": len(done.read), "embedded": done.embedded}


def measure(chunks: int, folder: Path, threads: int) -> Row:
    """One row of the table; the index is deleted afterwards."""
    path = folder / f"index-{chunks}"
    shutil.rmtree(path, ignore_errors=True)
    try:
        row = in_process("scale.py", {"work": "build", "path": str(path), "chunks": chunks}, threads)
        row |= in_process("scale.py", {"work": "search", "path": str(path)}, threads)
        row |= in_process("scale.py", {"work": "update", "path": str(path), "chunks": chunks}, threads)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    return row


def section(rows: list[Row], threads: int) -> str:
    lines = [
        f"## {TITLE}",
        "",
        "Synthetic text of 96 words a chunk, ten chunks a document, synthetic vectors of 384 numbers; embedding the",
        f"question takes no time here. {threads} threads. Memory is a fresh process's after {_QUESTIONS} searches,",
        "with its libraries and the mapped pages that were touched, without a model; peak is that of the build.",
        "Made by `benchmarks/scale.py`; drawn in `docs/scale.svg`.",
        "",
        "| chunks | build s | open s | first ms | p50 ms | p95 ms | 1 % changed s | build / update | memory MiB "
        "| peak MiB | disk MiB |",
        "|---:|" + "---:|" * 10,
    ]
    for row in rows:
        cells = [f"{row['chunks']:,}", f"{row['build_s']:.1f}", f"{row['open_s']:.2f}"]
        cells += [f"{row[key]:.1f}" for key in ("first_ms", "p50_ms", "p95_ms")]
        cells += [f"{row['update_s']:.2f}", f"{row['build_s'] / row['update_s']:.0f}"]
        cells += [f"{row[key]:,.0f}" for key in ("mib", "peak_mib", "disk_mib")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", machine()])


def plot(rows: list[Row], path: Path) -> None:
    """Four small panels with logarithmic axes."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, NullFormatter

    panels = (
        ("build and update of 1 %, s", (("build_s", "build"), ("update_s", "update"))),
        ("open, s", (("open_s", "open"),)),
        ("search, ms", (("p95_ms", "95th percentile"), ("p50_ms", "median"))),
        ("memory, MiB", (("peak_mib", "build"), ("mib", "search"))),
    )
    matplotlib.rcParams.update({"svg.hashsalt": "scale", "svg.fonttype": "none", "font.size": 9})
    figure, axes = pyplot.subplots(1, 4, figsize=(11, 2.7), layout="constrained")
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for number, (key, label) in enumerate(lines):
            values = [row[key] for row in rows]
            axis.loglog(
                [row["chunks"] for row in rows], values, marker="o", markersize=3, label=label,
                color=("#1f5fa8", "#c2571a")[number],
            )  # fmt: skip
        axis.set(title=title, xlabel="chunks")
        values = [row[key] for row in rows for key, _ in lines]
        axis.set_ylim(10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))))
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            scale.set_minor_formatter(NullFormatter())
        axis.grid(alpha=0.3)
        if len(lines) > 1:
            axis.legend(frameon=False, fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _peak_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work() -> None:
    """In a process of its own."""
    given = arguments()
    path = Path(given["path"])
    if given["work"] == "build":
        report(build(path, given["chunks"]))
    elif given["work"] == "search":
        report(search(path))
    else:
        report(update(path, given["chunks"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} chunks only, nothing is written")
    parser.add_argument("--sizes", type=int, nargs="+", help=f"chunks; {SIZES} when left out")
    parser.add_argument(
        "--folder", type=Path, default=BUILD / "scale", help="for the indexes, deleted afterwards"
    )
    parser.add_argument("--again", action="store_true", help="measure rows anew that an earlier run has kept")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} and {PLOT.name}")
    chosen = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    kept = Rows(chosen.folder / "rows.json", again=chosen.again or chosen.quick)
    rows = [
        kept.get(f"{chunks:,} chunks", lambda chunks=chunks: measure(chunks, chosen.folder, threads))
        for chunks in chosen.sizes or (QUICK if chosen.quick else SIZES)
    ]
    text = section(rows, threads)
    print(text)
    plot(rows, PLOT if chosen.write else chosen.folder / PLOT.name)
    if chosen.write:
        replace_section(RESULTS, TITLE, text)


if __name__ == "__main__":
    import sys

    work() if len(sys.argv) == 2 and sys.argv[1].startswith("{") else main()
