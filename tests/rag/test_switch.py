from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import HashEmbedder

from rag import Document, Index, RagConfig, build_index, open_index, switch_embedder
from rag.catalogue import NAME, read_catalogue

ROOT = Path(__file__).parents[2]


class Counting(HashEmbedder):
    """Counts tokens in its own way, so that it cuts documents in other places."""

    def count_tokens(self, text: str) -> int:
        return len(text) // 3

    def __init__(self, max_tokens: int = 512) -> None:
        super().__init__(name="counting", dimension=48)
        self.max_tokens = max_tokens


def documents(seed: int, count: int = 9) -> list[Document]:
    chance = random.Random(seed)
    words = ["fee", "paid", "收入增长", "été", "Zürich", *(f"word{number}" for number in range(40))]
    texts = [" ".join(chance.choices(words, k=chance.randrange(5, 400))) + ". End." for _ in range(count)]
    return [Document(text=text, source=f"doc{number}.txt") for number, text in enumerate(texts)]


def content(index: Index) -> tuple[dict[str, bytes], list[Any], list[Any]]:
    """All that an index holds: its views byte for byte, its documents and its texts."""
    views = index.path / f"g{index.generation:04d}"
    files = {p.relative_to(views).as_posix(): p.read_bytes() for p in views.rglob("*") if p.is_file()}
    with read_catalogue(index.path) as db:
        rows = db.execute("SELECT source, text, chunking, removed FROM documents ORDER BY source").fetchall()
        texts = db.execute("SELECT hash, vector, terms, sum FROM texts ORDER BY hash").fetchall()
    return files, rows, texts


def tables(folder: Path) -> set[str]:
    with sqlite3.connect(folder / NAME) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def switched(way: str, out: Path, embedder: HashEmbedder, given: list[Document]) -> Index:
    if way == "documents at hand":
        return build_index(given, out, embedder=embedder)
    if way == "without the documents":
        return switch_embedder(out, embedder)
    index = open_index(out, embedder=HashEmbedder())
    index.switch_embedder(embedder)
    return index


WAYS = ["documents at hand", "without the documents", "an index in use"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("new", [Counting, lambda: HashEmbedder(name="new", dimension=48)])
def test_a_switched_index_is_the_one_that_would_be_built_anew(
    tmp_path: Path, way: str, new: Callable[[], HashEmbedder]
) -> None:
    given = documents(1)
    build_index(given, tmp_path / "index", RagConfig(chunk_tokens=60), embedder=HashEmbedder())
    settings = RagConfig(chunk_tokens=60)
    if way == "documents at hand":
        index = build_index(given, tmp_path / "index", settings, embedder=new())
    else:
        index = switched(way, tmp_path / "index", new(), given)
    anew = build_index(given, tmp_path / "anew", settings, embedder=new())
    assert content(index) == content(anew)
    assert index.embedder.name == index.config.embedder == anew.config.embedder != "hash"
    assert tables(index.path) == tables(anew.path)
    assert index.search("word7 paid") == open_index(index.path, embedder=new()).search("word7 paid")


def test_documents_that_changed_at_the_same_time_are_in_it(tmp_path: Path) -> None:
    given = documents(2)
    build_index(given, tmp_path / "index", embedder=HashEmbedder())
    changed = [*documents(3, 4), *given[5:], Document(text="A new one.", source="new.txt")]
    index = build_index(changed, tmp_path / "index", embedder=Counting())
    assert content(index) == content(build_index(changed, tmp_path / "anew", embedder=Counting()))
    assert index.report.removed == ("doc4.txt",) and len(index.report.read) == 5


def test_switching_back_is_as_if_nothing_had_been(tmp_path: Path) -> None:
    index = build_index(documents(4), tmp_path / "index", embedder=HashEmbedder())
    before = content(index)
    index.switch_embedder(Counting())
    assert content(index) != before
    index.switch_embedder(HashEmbedder())
    assert content(index) == before and index.config.embedder == "hash"


def test_the_same_embedder_is_nothing_to_do_and_a_new_name_of_it_is_recorded(tmp_path: Path) -> None:
    index = build_index(documents(5), tmp_path / "index", embedder=HashEmbedder())
    same = HashEmbedder()
    assert index.switch_embedder(same).embedded == 0 and same.embedded == []
    assert index.generation == 1
    same.name = "moved"
    assert index.switch_embedder(same).embedded == 0 and same.embedded == []
    assert open_index(index.path, embedder=same).config.embedder == "moved"


def test_chunks_that_an_embedder_does_not_read_whole_are_cut_smaller(tmp_path: Path) -> None:
    build_index(documents(6), tmp_path / "index", embedder=HashEmbedder())
    index = switch_embedder(tmp_path / "index", Counting(max_tokens=40))
    assert index.config.chunk_tokens == 40 and index.config.overlap_tokens == 6
    chunks = [chunk for document in index.documents() for chunk in index.chunks(document.source)]
    assert max(len(chunk.text) // 3 for chunk in chunks) <= 40
    # The next update cuts as the switch did, and a size that was chosen is refused.
    assert build_index(documents(6), index.path, embedder=Counting(max_tokens=40)).report.embedded == 0
    with pytest.raises(ValueError, match="chunk_tokens=90 is more than the 40 tokens"):
        build_index(documents(6), index.path, RagConfig(chunk_tokens=90), embedder=Counting(max_tokens=40))


def test_an_update_never_switches_by_itself(tmp_path: Path) -> None:
    writer = build_index(documents(7), tmp_path / "index", embedder=HashEmbedder())
    switch_embedder(tmp_path / "index", Counting())
    with pytest.raises(ValueError, match="was built with embedder 'counting' .*not with 'hash'"):
        writer.add([Document(text="More.", source="more.txt")])
    assert writer.search("word7")  # what it has open goes on
    with pytest.raises(
        OSError, match="was built with embedder 'counting', which cannot be loaded: .* minilm$"
    ):
        build_index(documents(7), tmp_path / "index")


class Stopped(HashEmbedder):
    """Fails after so many texts."""

    def __init__(self, after: int) -> None:
        super().__init__(name="new", dimension=48)
        self._after = after

    def embed(self, texts: Any, progress: Any = None) -> Any:
        if len(self.embedded) >= self._after:
            raise KeyboardInterrupt
        return super().embed(texts, progress)


def many(count: int = 300) -> list[Document]:
    return [
        Document(text=f"Item {number} costs {number} euros.", source=f"{number}") for number in range(count)
    ]


def stop_at(stage: str, done: int) -> Callable[[str, int, int], None]:
    def told(now: str, count: int, total: int) -> None:
        if (now, count) == (stage, done):
            raise KeyboardInterrupt

    return told


def test_an_interrupted_switch_goes_on_where_it_was(tmp_path: Path) -> None:
    out = build_index(many(), tmp_path / "index", embedder=HashEmbedder()).path
    with pytest.raises(KeyboardInterrupt):
        switch_embedder(out, Stopped(after=100))
    old = open_index(out, embedder=HashEmbedder())
    assert old.search("item 7 costs")[0].chunk.source == "7"
    rest = HashEmbedder(name="new", dimension=48)
    index = switch_embedder(out, rest)
    assert index.report.embedded == 300 - 128  # a batch had been committed
    assert old.search("item 8 costs")[0].chunk.source == "8"
    anew = build_index(many(), tmp_path / "anew", embedder=HashEmbedder(name="new", dimension=48))
    assert content(index) == content(anew)


def test_the_old_generation_can_be_derived_again_while_a_switch_is_unfinished(tmp_path: Path) -> None:
    built = build_index(many(40), tmp_path / "index", embedder=HashEmbedder())
    with pytest.raises(KeyboardInterrupt):
        switch_embedder(built.path, HashEmbedder(name="new", dimension=48), progress=stop_at("write", 0))
    (built.path / "g0001" / "vectors.f32").unlink()
    assert open_index(built.path, embedder=HashEmbedder()).search("item 7 costs") == built.search(
        "item 7 costs"
    )


@pytest.mark.parametrize("next_step", ["open", "update", "switch back"])
def test_a_run_that_ends_between_manifest_and_catalogue_is_settled(tmp_path: Path, next_step: str) -> None:
    out = build_index(many(40), tmp_path / "index", embedder=HashEmbedder()).path
    new = HashEmbedder(name="new", dimension=48)
    with pytest.raises(KeyboardInterrupt):
        switch_embedder(out, new, progress=stop_at("write", 1))
    if next_step == "open":
        (out / "g0002" / "vectors.f32").unlink()
        assert open_index(out, embedder=new).search("item 7 costs")[0].chunk.source == "7"
        return
    wanted = new if next_step == "update" else HashEmbedder()
    index = build_index(many(40), out, embedder=wanted)
    assert content(index)[2] == content(build_index(many(40), tmp_path / "anew", embedder=wanted))[2]
    assert "next_texts" not in tables(out)
    assert index.report.embedded == (0 if next_step == "update" else 40)


def test_an_update_with_the_own_embedder_gives_an_unfinished_switch_up(tmp_path: Path) -> None:
    out = build_index(many(), tmp_path / "index", embedder=HashEmbedder()).path
    with pytest.raises(KeyboardInterrupt):
        switch_embedder(out, Stopped(after=100))
    assert "next_texts" in tables(out)
    own = HashEmbedder()
    assert build_index(many(299), out, embedder=own).report.removed == ("299",)
    assert own.embedded == [] and "next_texts" not in tables(out)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_sigkill_at_ten_moments_of_switches_leaves_an_index_that_answers(tmp_path: Path) -> None:
    out, name, chance = tmp_path / "index", "hash", random.Random(20261126)
    build_index(many(400), out, embedder=named(name))
    reader = open_index(out, embedder=named(name))
    for turn in range(10):
        wanted = f"new{turn}"
        kill_after(start_worker(out, wanted), chance.uniform(0, 0.9))
        found = next(each for each in (name, wanted) if opens(out, each))
        index = open_index(out, embedder=named(found))
        assert [hit.chunk.source for hit in index.search("item 77 costs", k=1)] == ["77"] and len(
            index
        ) == 400
        name = found
    assert reader.search("item 78 costs")[0].chunk.source == "78"
    index = switch_embedder(out, named("last"))
    assert content(index) == content(build_index(many(400), tmp_path / "anew", embedder=named("last")))


def named(name: str) -> HashEmbedder:
    return HashEmbedder(name=name, dimension=48)


def opens(out: Path, name: str) -> bool:
    try:
        return len(open_index(out, embedder=named(name))) == 400
    except ValueError as error:
        assert "was built with embedder" in str(error)
        return False


def start_worker(out: Path, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tests/rag/switch_worker.py"), str(out), name, "0.001"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_after(worker: subprocess.Popen[str], seconds: float) -> None:
    assert worker.stdout is not None
    worker.stdout.readline()  # "begun": the imports are done
    time.sleep(seconds)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
