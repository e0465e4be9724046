from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.candidates import Candidate
from rag.loaders.pool import Limits, read_candidates
from rag.schema import Document

HOSTILE = {
    f".{name}": f"hostile_loaders:{name}" for name in ("hang", "swell", "crash", "kill", "lie", "chatter")
}
HOSTILE |= {".slow": "hostile_loaders:hang_but_tell", ".env": "hostile_loaders:tell_environment"}
LIMITS = Limits(seconds=1.5, memory_bytes=1 << 29, loaders=HOSTILE)


def files(folder: Path, *names: str) -> list[Candidate]:
    for name in names:
        (folder / name).write_text(f"The text of {name}.", "utf-8")
    return [Candidate(source=name, path=folder / name) for name in names]


def read(candidates: list[Candidate], workers: int = 1) -> list[str]:
    found = read_candidates(candidates, limits=LIMITS, workers=workers)
    return [result.text if isinstance(result, Document) else str(result) for _, result in found]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.hang", "a.hang took more than 2 s to read."),
        (
            "a.kill",
            "a.kill was not read: its reader was killed (signal 9; the machine may be short of memory).",
        ),
        (
            "a.lie",
            "a.lie could not be read: its reader gave no document (a page or a heading lies outside the text).",
        ),
        pytest.param(
            "a.swell",
            "a.swell needed more than 0.5 GiB to read.",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="other systems set no limit on memory"),
        ),
        pytest.param(
            "a.crash",
            "a.crash could not be read: its reader crashed (signal 11).",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows gives a status"),
        ),
    ],
)
def test_a_hostile_file_costs_one_file_and_is_named_with_the_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    before, after = "The text of before.txt.", "The text of after.txt."
    assert read(files(tmp_path, "before.txt", name, "after.txt")) == [before, reason, after]


def test_documents_come_in_order_whoever_is_done_first(tmp_path: Path) -> None:
    names = ["a.hang", *(f"{number}.txt" for number in range(9)), "z.crash"]
    candidates = files(tmp_path, *names)
    candidates.insert(4, Candidate(source="given", document=Document(text="as it is", source="given")))
    found = list(read_candidates(candidates, limits=LIMITS, workers=2))
    assert [candidate.source for candidate, _ in found] == [candidate.source for candidate in candidates]
    assert [isinstance(result, Document) for _, result in found] == [False, *[True] * 10, False]


def test_a_long_read_that_tells_its_steps_is_left_to_finish(tmp_path: Path) -> None:
    assert read(files(tmp_path, "a.slow")) == ["eight pages"]


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    assert read(files(tmp_path, "a.chatter", "b.txt")) == ["read all the same", "The text of b.txt."]


def test_a_worker_sees_no_keys_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", "secret")
    assert "SERVICE_API_KEY" not in read(files(tmp_path, "a.env"))[0]


def test_a_file_that_vanished_is_an_error_of_that_file(tmp_path: Path) -> None:
    candidates = files(tmp_path, "a.txt", "b.txt")
    (tmp_path / "a.txt").unlink()
    (_, error), (_, document) = read_candidates(candidates, limits=LIMITS)
    assert isinstance(error, FileNotFoundError) and error.filename == str(tmp_path / "a.txt")
    assert isinstance(document, Document)


def test_candidates_are_taken_only_a_few_ahead(tmp_path: Path) -> None:
    taken: list[str] = []

    def counted() -> Iterator[Candidate]:
        for candidate in files(tmp_path, *(f"{number:02d}.txt" for number in range(40))):
            taken.append(candidate.source)
            yield candidate

    reading = read_candidates(counted(), limits=LIMITS, workers=1)
    next(reading)
    assert len(taken) <= 4
    reading.close()


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a.hang").write_text("x")
    code = f"""
import os, sys, threading
from pathlib import Path
from rag.candidates import Candidate
from rag.loaders import overseer, pool
start = overseer.subprocess.Popen
def told(*args, **kwargs):
    process = start(*args, **kwargs)
    print(process.pid, flush=True)
    threading.Timer(1, os._exit, [9]).start()  # the parent is gone at once, without tidying
    return process
overseer.subprocess.Popen = told
limits = pool.Limits(seconds=300, loaders={HOSTILE!r})
list(pool.read_candidates([Candidate(source="a.hang", path=Path({str(tmp_path / "a.hang")!r}))], limits=limits))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 9, done.stderr
    deadline = time.monotonic() + 20
    while _runs(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(int(done.stdout))


def _runs(process: int) -> bool:
    """Whether it is there and more than an entry that its new parent has not collected."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
