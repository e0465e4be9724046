from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from fakes import HashEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import Document, Index, build_index
from rag.catalogue import open_catalogue
from rag.schema import Heading, Page
from rag.views import derive_views

WORDS = ("fee", "paid", "收入增长", "été", "note", "zz", "Zürich", "2024")


def made_up(number: int, chance: random.Random) -> Document:
    """A document with headings and pages, whose words partly stand in no other one."""
    words = [chance.choice([*WORDS, f"word{chance.randrange(30)}"]) for _ in range(chance.randrange(1, 60))]
    text = ". ".join(" ".join(words[start : start + 9]) for start in range(0, len(words), 9)) + "."
    half = len(text) // 2
    return Document(
        text=text,
        source=f"{number % 7}é{number}" if number % 3 else f"{number}",
        headings=tuple(
            Heading(path=f"Part {chance.randrange(5)}", start=start) for start in (0, half) if start or half
        ),
        pages=(Page(number=1, start=0, end=half), Page(number=2, start=half, end=len(text))),
        metadata={"team": chance.choice("ab")},
    )


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def derived_anew(index: Index, folder: Path) -> dict[str, bytes]:
    with open_catalogue(index.path) as db:
        derive_views(folder, db, index.generation)
    return files_below(folder)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 32))
def test_views_after_any_edits_are_those_that_would_be_derived_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, place = random.Random(seed), tmp_path_factory.mktemp("edits")
    given_first = [made_up(number, chance) for number in range(chance.randrange(6))]
    index = build_index(given_first, place / "index", embedder=HashEmbedder())
    for turn in range(3):
        held = [row.source for row in index.documents()]
        if held and chance.random() < 0.6:
            index.remove(chance.sample(held, chance.randint(1, len(held))))
        numbers = chance.sample(range(12), chance.randrange(1, 5))
        index.add([made_up(number, chance) for number in numbers])
        written = files_below(index.path / f"g{index.generation:04d}")
        assert written == derived_anew(index, place / f"anew{turn}")


@pytest.mark.parametrize("part", ["vectors.f32", "keyword/positions.npy", "passages/texts.utf8"])
def test_nothing_is_taken_over_from_damaged_views(docs: Path, tmp_path: Path, part: str) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    path = index.path / "g0001" / part
    path.write_bytes(bytes(byte ^ 0xFF for byte in path.read_bytes()))
    index.add([Document(text="Parking is free.", source="new")])
    written = files_below(index.path / "g0002")
    assert written == derived_anew(index, tmp_path / "anew") and len(index) == 4


def test_words_that_an_interrupted_run_left_are_gone_after_the_next(docs: Path, tmp_path: Path) -> None:
    class Impatient(HashEmbedder):
        def embed(self, texts, progress=None):  # type: ignore[no-untyped-def]
            if self.embedded:
                raise KeyboardInterrupt
            return super().embed(texts, progress)

    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    for number in range(130):  # the first 128 are committed before the interruption
        (docs / f"zanzibar{number}.txt").write_text(f"Zanzibar {number} is secret.", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        build_index(docs, index.path, embedder=Impatient())
    assert texts_in(index.path) == 3 + 128
    for path in docs.glob("zanzibar*"):
        path.unlink()
    index.update(docs)  # undoes the interrupted run; without a change there is nothing to swap
    assert texts_in(index.path) == 3
    assert b"anzibar" not in b"".join(files_below(index.path).values())


def test_texts_that_are_made_again_are_complete_although_the_first_try_was_interrupted(
    docs: Path, tmp_path: Path
) -> None:
    class Broken(HashEmbedder):
        def embed(self, texts, progress=None):  # type: ignore[no-untyped-def]
            raise KeyboardInterrupt

    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    db = sqlite3.connect(index.path / "catalogue.sqlite3")
    with db:  # as if an earlier release had cut texts into other words
        earlier = f"{HashEmbedder().weight_hash}/earlier"
        db.execute("UPDATE settings SET value = ? WHERE name = 'texts'", (earlier,))
    db.close()
    with pytest.raises(KeyboardInterrupt):
        build_index(docs, index.path, embedder=Broken())
    assert texts_in(index.path) == 3 and index.search(
        "refund"
    )  # the old ones, for the generation that answers
    again = build_index(docs, index.path, embedder=HashEmbedder())
    assert (again.report.embedded, again.generation, texts_in(index.path)) == (3, 2, 3)
    assert files_below(index.path / "g0002") == derived_anew(again, tmp_path / "anew")


def test_a_text_that_two_documents_share_stays_until_both_are_gone(tmp_path: Path) -> None:
    twice = [Document(text="Parking is free.", source=name) for name in ("a", "b")]
    index = build_index(
        [*twice, Document(text="Dogs.", source="c")], tmp_path / "index", embedder=HashEmbedder()
    )
    index.remove(["a"])
    assert texts_in(index.path) == 2
    assert files_below(index.path / "g0002") == derived_anew(index, tmp_path / "anew")
    index.remove(["b"])
    assert texts_in(index.path) == 1


def texts_in(folder: Path) -> int:
    db = sqlite3.connect(folder / "catalogue.sqlite3")
    try:
        return int(db.execute("SELECT COUNT(*) FROM texts").fetchone()[0])
    finally:
        db.close()
