from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fakes import HashEmbedder

from rag import build_index
from rag.watch import stamps_of, watch


class Folder:
    """Stands for the time between two looks: each step of a story is done while the watcher sleeps."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = iter(steps)

    def sleep(self, seconds: float) -> None:
        next(self._steps, lambda: None)()


def nothing() -> None:
    """A look at which all is as it was."""


def test_a_change_is_indexed_once_it_is_at_rest(docs: Path, tmp_path: Path) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    new = docs / "new.txt"
    story = Folder(
        nothing,
        lambda: new.write_text("Parking is", encoding="utf-8"),
        lambda: new.write_text("Parking is free.", encoding="utf-8"),  # still being written
        nothing,
        new.unlink,
        nothing,
    )
    outcomes = watch(index, docs, sleep=story.sleep)
    first = next(outcomes)
    assert not isinstance(first, Exception) and first.read == ("new.txt",)
    assert index.search("parking")[0].chunk.text == "Parking is free."
    second = next(outcomes)
    assert not isinstance(second, Exception) and second.removed == ("new.txt",)


def test_an_error_is_told_and_the_next_change_is_still_indexed(docs: Path, tmp_path: Path) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    moved = tmp_path / "elsewhere"

    def back() -> Iterator[None]:
        moved.rename(docs)
        (docs / "new.txt").write_text("Parking is free.", encoding="utf-8")
        yield

    story = Folder(lambda: docs.rename(moved), nothing, lambda: next(back()), nothing)
    outcomes = watch(index, docs, sleep=story.sleep)
    error = next(outcomes)
    assert isinstance(error, FileNotFoundError) and len(index.documents()) == 3
    report = next(outcomes)
    assert not isinstance(report, Exception) and report.documents == 4


def test_the_files_of_the_index_are_not_watched(docs: Path) -> None:
    index = build_index(docs, docs / "index", embedder=HashEmbedder())
    before = stamps_of(docs, index.path)
    (docs / "index" / "note.txt").write_text("written by the index", encoding="utf-8")
    assert stamps_of(docs, index.path) == before and len(before) == 3
