"""What goes wrong around an index: damage, media that cannot be written, full disks, readers while it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import HashEmbedder

from rag import Document, build_index, open_index


def flip_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 4, 3 * len(data) // 4, 97):
        data[place] ^= 0x5A
    path.write_bytes(bytes(data))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped bytes": flip_middle,
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "not a database": lambda path: path.write_bytes(b"garbage" * 4000),
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_catalogue_is_named_with_the_command_and_searches_go_on(
    docs: Path, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "index"
    build_index(docs, out, embedder=HashEmbedder())
    DAMAGES[damage](out / "catalogue.sqlite3")
    index = open_index(out, embedder=HashEmbedder())
    assert index.search("refund")[0].chunk.source == "refunds.md"
    assert "14 days" in index.document("refunds.md").text
    (docs / "refunds.md").write_text("# Refunds\n\nWithin 30 days.", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"is damaged .*delete .*: advisor index DOCS --out {out}"):
        build_index(docs, out, embedder=HashEmbedder())
    assert open_index(out, embedder=HashEmbedder()).search("refund")[0].chunk.source == "refunds.md"
    shutil.rmtree(out)
    again = build_index(docs, out, embedder=HashEmbedder())
    assert "30 days" in again.search("refunds")[0].chunk.text


def test_a_vector_that_was_changed_in_the_catalogue_never_reaches_a_generation(
    docs: Path, tmp_path: Path
) -> None:
    import sqlite3

    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    db = sqlite3.connect(index.path / "catalogue.sqlite3")
    with db:
        db.execute("UPDATE texts SET vector = zeroblob(length(vector)) WHERE id = 1")
    db.close()
    (docs / "new.txt").write_text("Parking is free.", encoding="utf-8")
    assert index.update(docs).read == ("new.txt",)  # what did not change comes from the sound views
    vectors = np.fromfile(index.path / "g0002" / "vectors.f32", dtype="<f4").reshape(4, -1)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)
    flip_middle(index.path / "g0002" / "vectors.f32")
    with pytest.raises(ValueError, match=r"is damaged \(a vector was changed\)"):
        build_index(docs, index.path, embedder=HashEmbedder())


@pytest.mark.parametrize(
    "part", ["passages/texts.utf8", "passages/chunks.rows", "keyword/counts.npy", "vectors.f32"]
)
def test_each_damaged_view_is_computed_again_and_written_by_the_next_update(
    docs: Path, tmp_path: Path, part: str
) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    expected = index.search("refund")
    path = index.path / "g0001" / part
    path.write_bytes(bytes(byte ^ 0xFF for byte in path.read_bytes()))
    assert open_index(index.path, embedder=HashEmbedder()).search("refund") == expected
    mended = build_index(docs, index.path, embedder=HashEmbedder())
    assert (mended.generation, mended.report.read, mended.report.embedded) == (2, (), 0)
    assert mended.search("refund") == expected


def test_an_empty_index_answers_nothing_and_takes_documents(tmp_path: Path) -> None:
    index = build_index([], tmp_path / "index", embedder=HashEmbedder())
    assert (len(index), index.search("anything"), index.documents()) == (0, [], [])
    assert len(open_index(index.path, embedder=HashEmbedder())) == 0
    index.add([Document(text="Dogs are welcome.", source="pets")])
    assert index.search("dogs")[0].chunk.source == "pets"
    index.remove(["pets"])
    assert (len(index), index.search("dogs")) == (0, [])


def test_every_search_during_updates_sees_one_generation(tmp_path: Path) -> None:
    embedder = HashEmbedder()

    def version(number: int) -> list[Document]:
        return [Document(text=f"Item {n} of version{number}.", source=f"item{n}") for n in range(20)]

    writer = build_index(version(0), tmp_path / "index", embedder=embedder)
    seen: list[set[str]] = []
    ended = threading.Event()

    def read() -> None:
        reader = open_index(tmp_path / "index", embedder=HashEmbedder())
        while not ended.is_set() or not seen:
            hits = reader.search("item version", k=50)
            texts = {reader.document(hit.chunk.source).text for hit in hits}
            seen.append({text.split()[-1] for text in texts | {hit.chunk.text for hit in hits}})
            assert len(hits) == 20
            reader.refresh()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 8):
        writer.update(version(number))
    ended.set()
    for thread in threads:
        thread.join()
    assert all(len(words) == 1 for words in seen) and len(set().union(*seen)) > 1


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a small file system in memory, where root may; unmounted at the end."""
    places: list[Path] = []

    def mount(*options: str) -> Path:
        place = tmp_path / f"mount{len(places)}"
        place.mkdir()
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        places.append(place)
        return place

    if os.name == "nt" or shutil.which("mount") is None or sys.platform == "darwin":
        pytest.skip("needs the mount command of Linux")
    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_read_only_medium_answers_and_is_named_to_a_writer(
    docs: Path, tmp_path: Path, mounted: Callable[..., Path]
) -> None:
    built = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    place = mounted("--bind", "-o", "ro", str(built.path))
    index = open_index(place, embedder=HashEmbedder())
    assert index.search("refund")[0].chunk.source == "refunds.md"
    (docs / "new.txt").write_text("Parking is free.", encoding="utf-8")
    with pytest.raises(
        OSError, match=r"cannot be written \(read-only file system\); what it holds still answers"
    ):
        index.update(docs)
    assert index.search("refund")[0].chunk.source == "refunds.md"


def test_a_disk_that_is_really_full_leaves_the_old_index(docs: Path, mounted: Callable[..., Path]) -> None:
    place = mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs")
    index = build_index(docs, place / "index", embedder=HashEmbedder())
    for number in range(40):
        (docs / f"long{number}.txt").write_text(f"Sentence {number} is here. " * 3000, encoding="utf-8")
    with pytest.raises(OSError, match=r"is full; the index still answers as before \(3 documents\)"):
        index.update(docs)
    opened = open_index(place / "index", embedder=HashEmbedder())
    assert len(opened.documents()) == 3 and opened.search("refund")[0].chunk.source == "refunds.md"
