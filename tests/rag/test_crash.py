from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import HashEmbedder

from rag import Index, build_index, open_index

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")


def start_worker(docs: Path, out: Path, pause: float = 0.0, file_limit: int = 0) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        str(ROOT / "tests/rag/crash_worker.py"),
        str(docs),
        str(out),
        str(pause),
        str(file_limit),
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def write_version(docs: Path, version: int, files: int = 40) -> None:
    """Every document says its version, so that a mixture of two generations would be seen."""
    docs.mkdir(exist_ok=True)
    for number in range(files):
        paragraphs = "\n\n".join(
            f"# Part {part}\n\nItem {number} version{version} fact {part}." for part in range(10)
        )
        (docs / f"doc{number:02d}.md").write_text(paragraphs, encoding="utf-8")


def versions_in(index: Index) -> set[str]:
    hits = index.search("item version fact", k=2000)
    assert len(hits) == len(index) == 400
    assert {index.document(row.source).text.count("version") for row in index.documents()} == {10}
    return {word for hit in hits for word in hit.chunk.text.split() if word.startswith("version")}


def kill_after(worker: subprocess.Popen[str], seconds: float) -> None:
    assert worker.stdout is not None
    worker.stdout.readline()  # "begun": the imports are done
    time.sleep(seconds)
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def test_sigkill_at_ten_moments_of_an_update_leaves_an_index_that_answers(tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    write_version(docs, 0)
    began = time.monotonic()
    build_index(docs, out, embedder=HashEmbedder(pause_seconds=0.001))
    whole_seconds = time.monotonic() - began
    complete, chance = 0, random.Random(20250331)
    for version in range(1, 11):
        write_version(docs, version)
        kill_after(start_worker(docs, out, pause=0.001), chance.uniform(0, 1.2 * whole_seconds))
        found = versions_in(open_index(out, embedder=HashEmbedder()))
        assert found in ({f"version{complete}"}, {f"version{version}"}), (found, complete, version)
        complete = int(found.pop().removeprefix("version"))
    assert versions_in(build_index(docs, out, embedder=HashEmbedder())) == {"version10"}
    assert len(list(out.glob("g[0-9]*"))) == 1


def test_a_first_run_that_was_killed_says_so_and_the_next_goes_on(tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    write_version(docs, 1)
    worker = start_worker(docs, out, pause=0.004)
    assert worker.stdout is not None
    worker.stdout.readline()
    while not stored_vectors(out):
        assert worker.poll() is None, worker.stderr.read() if worker.stderr else ""
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    with pytest.raises(FileNotFoundError, match="was never completed .*go on with: advisor index"):
        open_index(out, embedder=HashEmbedder())
    kept, embedder = stored_vectors(out), HashEmbedder()
    assert versions_in(build_index(docs, out, embedder=embedder)) == {"version1"}
    texts = [text for text in embedder.embedded if "version1" in text]
    assert len(texts) == 400 - kept < 400


def stored_vectors(out: Path) -> int:
    import sqlite3

    if not (out / "catalogue.sqlite3").is_file():
        return 0
    connection = sqlite3.connect(out / "catalogue.sqlite3", timeout=30)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM texts").fetchone()[0])
    except sqlite3.OperationalError:  # the tables are not made yet
        return 0
    finally:
        connection.close()


def test_ctrl_c_while_embedding_loses_neither_the_index_nor_the_work(tmp_path: Path) -> None:
    class Impatient(HashEmbedder):
        def embed(self, texts, progress=None):  # type: ignore[no-untyped-def]
            if len(self.embedded) >= 200:
                raise KeyboardInterrupt
            return super().embed(texts, progress)

    docs, out = tmp_path / "docs", tmp_path / "index"
    write_version(docs, 0)
    index = build_index(docs, out, embedder=HashEmbedder())
    write_version(docs, 1)
    with pytest.raises(KeyboardInterrupt):
        build_index(docs, out, embedder=Impatient())
    assert versions_in(open_index(out, embedder=HashEmbedder())) == {"version0"}
    assert versions_in(index) == {"version0"}
    embedder = HashEmbedder()
    resumed = build_index(docs, out, embedder=embedder)
    assert resumed.report.embedded == 400 - 256  # two batches of 128 had been committed
    assert versions_in(resumed) == {"version1"}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_full_disk_is_one_line_and_the_old_index_answers(tmp_path: Path, share: float) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    write_version(docs, 0)
    build_index(docs, out, embedder=HashEmbedder())
    size = (out / "catalogue.sqlite3").stat().st_size
    write_version(docs, 1)
    worker = start_worker(docs, out, file_limit=int(size * (0.7 + share)))
    said, complaints = worker.communicate(timeout=120)
    assert worker.returncode == 2, (said, complaints)
    line = said.splitlines()[-1]
    assert line.startswith(f"The disk of {out} is full; the index still answers as before (40 documents).")
    assert versions_in(open_index(out, embedder=HashEmbedder())) == {"version0"}
    assert versions_in(build_index(docs, out, embedder=HashEmbedder())) == {"version1"}


def test_a_full_disk_at_the_first_run_keeps_what_was_done(tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    write_version(docs, 0)
    said, _ = start_worker(docs, out, file_limit=90_000).communicate(timeout=120)
    assert "is full; what was done so far is kept. Free some space" in said
    assert versions_in(build_index(docs, out, embedder=HashEmbedder())) == {"version0"}
