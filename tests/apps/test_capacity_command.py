"""`advisor capacity`: the table of sizes, one corpus in detail, and mistakes in one line."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from advisor import profile_data


@pytest.fixture
def capacity(run_line: Callable[..., str]) -> Callable[..., str]:
    def run(line: str = "", status: int = 0) -> str:
        return run_line(f"capacity {line}", status)

    return run


def test_each_order_of_magnitude_has_a_row(capacity: Callable[..., str]) -> None:
    said = capacity("--gpu T4")
    for chunks, kind in (("10,000", "flat"), ("1,000,000", "HNSW"), ("100,000,000", "IVF-PQ")):
        row = next(line for line in said.splitlines() if line.split()[:1] == [chunks])
        assert kind in row and "iB" in row


def test_one_corpus_says_index_store_memory_and_cards(capacity: Callable[..., str]) -> None:
    said = capacity("--chunks 1e9 --gpu A100-80GB")
    for words in (
        "Milvus Distributed",
        "IVF1048576_HNSW32,PQ64",
        "query nodes",
        "cards for a day",
        "not promised",
    ):
        assert words in said


def test_json_holds_every_field(capacity: Callable[..., str]) -> None:
    plans = json.loads(capacity("--chunks 2e6 --embedder bge-m3 --json"))
    assert plans[0]["chunks"] == 2_000_000 and plans[0]["dim"] == 1024
    assert plans[0]["embed_card"]["card"] and plans[0]["sources"]


def test_the_chunks_of_a_folder_are_estimated(capacity: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 6_000, "utf-8")
    steps = profile_data(tmp_path).tokens / 150  # chunks of 180 tokens, 30 of which stand in the one before
    assert f"{math.ceil(steps)} chunks" in capacity(f"--data {tmp_path}")


@pytest.mark.parametrize("columns", [40, 60, 100, 200])
def test_nothing_is_wider_than_the_terminal(
    capacity: Any, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for line in ("--lang en", "--lang zh", "--chunks 1e9 --lang en"):
        assert max(cell_len(each) for each in capacity(line).splitlines()) <= columns


@pytest.mark.parametrize(
    "line, words",
    [
        ("--chunks -5", "-5 chunks"),
        ("--chunks 1e30", "1e+30 chunks"),
        ("--chunks nan", "nan chunks"),
        ("--chunks 10 --dim 0", "0 dimensions"),
        ("--chunks 10 --ram -1", "-1 GiB"),
        ("--chunks 10 --cores 0", "cpu_cores is 0"),
        ("--gpu H1000", "H100 SXM"),
        ("--embedder nobody", "Unknown model 'nobody'"),
        ("--data /nowhere", "/nowhere"),
        ("--chunks many", "--chunks"),
    ],
)
def test_a_mistake_is_one_line(capacity: Callable[..., str], line: str, words: str) -> None:
    said = capacity(line, status=2)
    assert words in said and said.count("\n") == 1


def test_nothing_heavy_is_imported() -> None:
    heavy = ["torch", "numpy", "faiss", "transformers", "streamlit", "langchain_core"]
    code = (
        "import sys; from apps.cli import main; main(['capacity', '--json']); "
        f"assert not set({heavy!r}) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
