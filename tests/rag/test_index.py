from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HashEmbedder

from rag import Document, RagConfig, build_index, open_index
from rag.durable import writer_lock
from rag.stores import STORES


def everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("store", STORES)
def test_a_question_finds_its_passage_in_either_language(docs: Path, tmp_path: Path, store: str) -> None:
    index = build_index(docs, tmp_path / "index", RagConfig(store=store), embedder=HashEmbedder())
    assert index.search("When is a refund paid?")[0].chunk.source == "refunds.md"
    assert index.search("2024年营业收入是多少")[0].chunk.source == "年报.md"
    hit = index.search("travel allowance")[0]
    assert hit.rank == hit.dense_rank == hit.keyword_rank == 1
    document = index.document(hit.chunk.source)
    assert document.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text


def test_an_opened_index_answers_like_the_one_that_was_built(docs: Path, tmp_path: Path) -> None:
    built = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    opened = open_index(tmp_path / "index", embedder=HashEmbedder())
    assert opened.search("refund", k=2) == built.search("refund", k=2)
    assert opened.config == built.config
    assert [row.source for row in opened.documents()] == ["refunds.md", "travel/allowance.txt", "年报.md"]


def test_a_second_run_reads_and_embeds_nothing(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    first = build_index(docs, tmp_path / "index", embedder=embedder)
    calls = len(embedder.embedded)
    second = build_index(docs, tmp_path / "index", embedder=embedder)
    assert len(first.report.read) == len(second.report.unchanged) == 3
    assert (second.report.read, second.report.embedded, len(embedder.embedded)) == ((), 0, calls)
    assert second.generation == first.generation


def test_only_what_changed_is_embedded(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    embedder.embedded.clear()
    (docs / "refunds.md").write_text("# Refunds\n\nA refund is paid within 30 days.\n", encoding="utf-8")
    (docs / "new.txt").write_text("Parking is free.", encoding="utf-8")
    report = index.update(docs)
    assert report.read == ("new.txt", "refunds.md")
    assert sorted(embedder.embedded) == [
        "Parking is free.",
        "Refunds\n# Refunds\n\nA refund is paid within 30 days.",
    ]
    assert "30 days" in index.search("refund")[0].chunk.text


def test_a_renamed_file_keeps_its_vectors(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    (docs / "refunds.md").rename(docs / "returns.md")
    report = index.update(docs)
    assert (report.read, report.moved, report.removed) == ((), ("returns.md",), ("refunds.md",))
    assert report.embedded == 0
    assert index.search("refund")[0].chunk.source == "returns.md"


def test_a_deleted_file_leaves_no_trace(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    (docs / "secret.txt").write_text("The zanzibar project is secret.", encoding="utf-8")
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    vector = embedder.embed(["The zanzibar project is secret."])[0].tobytes()
    assert b"zanzibar" in everything_under(index.path) and vector in everything_under(index.path)
    (docs / "secret.txt").unlink()
    assert index.update(docs).removed == ("secret.txt",)
    assert b"zanzibar" not in everything_under(index.path) and vector not in everything_under(index.path)
    assert b"secret.txt" not in everything_under(index.path)
    assert all(hit.chunk.source != "secret.txt" for hit in index.search("zanzibar secret", k=50))


def test_documents_are_added_and_removed_one_by_one(
    docs: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    index.add([Document(text="Dogs are welcome.", source="pets", metadata={"team": "desk"})])
    assert index.search("dogs", where={"team": "desk"})[0].chunk.source == "pets"
    assert index.remove(["pets"]).documents == 3
    with pytest.raises(ValueError, match="'pets' is not in"):
        index.remove(["pets"])
    index.remove([row.source for row in index.documents()])
    assert (len(index), index.search("dogs")) == (0, [])
    assert len(open_index(index.path, embedder=embedder)) == 0


def test_a_filter_comes_before_the_search(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    index = build_index(docs, tmp_path / "index", RagConfig(candidates=1), embedder=embedder)
    assert [hit.chunk.source for hit in index.search("refund", k=1, where={"source": "年报.md"})] == [
        "年报.md"
    ]
    both = index.search("refund", where={"source": ["年报.md", "travel/allowance.txt"]}, k=2)
    assert "refunds.md" not in {hit.chunk.source for hit in both}
    assert index.search("refund", where={"source": "nowhere"}) == []


def test_a_query_that_the_embedder_cannot_read_is_left_to_keywords(docs: Path, tmp_path: Path) -> None:
    english_only = HashEmbedder(reads_chinese=False)
    index = build_index(docs, tmp_path / "index", embedder=english_only)
    english_only.embedded.clear()
    hits = index.search("营业收入是多少")
    assert hits[0].chunk.source == "年报.md"
    assert all(hit.dense_score is None for hit in hits) and english_only.embedded == []


def test_the_notice_of_a_folder_travels_with_its_index(
    docs: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    (docs / "NOTICE.txt").write_text("Not medical advice.\n", encoding="utf-8")
    build_index(docs, tmp_path / "index", embedder=embedder)
    index = open_index(tmp_path / "index", embedder=embedder)
    assert index.notice == "Not medical advice."
    (docs / "NOTICE.txt").write_text("Still no advice.", encoding="utf-8")
    index.update(docs)
    assert open_index(tmp_path / "index", embedder=embedder).notice == "Still no advice."


def test_other_chunk_sizes_split_again(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    (docs / "long.txt").write_text(" ".join(f"Sentence {n} is here." for n in range(40)), encoding="utf-8")
    wide = build_index(docs, tmp_path / "index", embedder=embedder)
    chunks = len(wide)
    narrow = build_index(
        docs, tmp_path / "index", RagConfig(chunk_tokens=20, overlap_tokens=5), embedder=embedder
    )
    assert len(narrow) > chunks
    assert open_index(tmp_path / "index", embedder=embedder).config.chunk_tokens == 20


def test_another_embedder_is_refused_with_what_to_run(docs: Path, tmp_path: Path) -> None:
    build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    for other in (HashEmbedder(name="other"), HashEmbedder(dimension=32)):
        with pytest.raises(
            ValueError, match="was built with embedder 'hash'.*advisor index --out .*--embedder"
        ):
            open_index(tmp_path / "index", embedder=other)
    assert open_index(tmp_path / "index", embedder=HashEmbedder()).search("refund")


@pytest.mark.parametrize("damage", ["truncate", "flip", "delete file", "delete folder"])
def test_a_damaged_generation_is_computed_again(docs: Path, tmp_path: Path, damage: str) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    expected = index.search("refund")
    target = index.path / "g0001" / "vectors.f32"
    data = target.read_bytes()
    if damage == "truncate":
        target.write_bytes(data[:40])
    elif damage == "flip":
        target.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "delete file":
        next((index.path / "g0001" / "keyword").iterdir()).unlink()
    else:
        shutil.rmtree(index.path / "g0001")
    again = HashEmbedder()
    assert open_index(index.path, embedder=again).search("refund") == expected
    assert again.embedded == ["refund"]
    assert build_index(docs, index.path, embedder=again).generation == 2  # an update writes it anew


def test_a_missing_and_a_foreign_folder_are_named(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    with pytest.raises(FileNotFoundError, match="There is no index at .*advisor index DOCS --out"):
        open_index(tmp_path / "index", embedder=embedder)
    with pytest.raises(FileNotFoundError, match="gone does not exist"):
        build_index(tmp_path / "gone", tmp_path / "index", embedder=embedder)
    with pytest.raises(ValueError, match="is not empty and no index"):
        build_index(docs, docs, embedder=embedder)
    assert not (tmp_path / "index").exists()


def test_an_empty_folder_and_unreadable_files_lose_nothing(docs: Path, tmp_path: Path) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no documents; formats read"):
        index.update(tmp_path / "empty")
    (tmp_path / "empty" / "a.pdf").write_bytes(b"%PDF-")
    with pytest.raises(ValueError, match=r"No document could be read \(1 tried\): a\.pdf: damaged"):
        index.update(tmp_path / "empty")
    opened = open_index(index.path, embedder=HashEmbedder())
    assert [row.source for row in opened.documents()] == ["refunds.md", "travel/allowance.txt", "年报.md"]
    assert build_index(docs, index.path, embedder=HashEmbedder()).generation == 1


def test_a_bad_file_is_reported_and_its_earlier_version_kept(docs: Path, tmp_path: Path) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    (docs / "refunds.md").write_bytes(bytes(3000))
    (docs / "picture.png").write_bytes(b"x")
    report = index.update(docs)
    assert report.failed == (
        "refunds.md: not text although its name says so. (its earlier version stays in the index)",
    )
    assert report.skipped == ("picture.png: format .png is not read",)
    assert report.render().splitlines()[0].startswith("3 documents, 3 chunks: 0 read, 2 unchanged, 0 removed")
    assert report.render().splitlines()[1:] == [
        f"  failed   {report.failed[0]}",
        f"  skipped  {report.skipped[0]}",
    ]
    assert report.as_dict()["failed"] == report.failed
    assert index.search("refund")[0].chunk.source == "refunds.md"


def test_a_second_writer_gets_a_clear_line(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    with writer_lock(index.path), pytest.raises(OSError, match=r"is being written by process \d+; wait"):
        index.update(docs)
    assert index.update(docs).documents == 3


def test_an_open_reader_keeps_its_generation_until_it_asks(docs: Path, tmp_path: Path) -> None:
    build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    reader = open_index(tmp_path / "index", embedder=HashEmbedder())
    (docs / "new.txt").write_text("Parking is free.", encoding="utf-8")
    (docs / "refunds.md").unlink()
    build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    assert reader.search("refund")[0].chunk.source == "refunds.md"
    assert reader.refresh() and not reader.refresh()
    assert reader.search("parking")[0].chunk.source == "new.txt"


def test_settings_that_cannot_work_are_refused_before_anything_is_written(docs: Path, tmp_path: Path) -> None:
    for config, reason in (
        (RagConfig(store="foo"), "choose one of"),
        (RagConfig(chunk_tokens=9000), "choose at most 512"),
        (RagConfig(overlap_tokens=180), "overlap_tokens=180"),
    ):
        with pytest.raises(ValueError, match=reason):
            build_index(docs, tmp_path / "index", config, embedder=HashEmbedder())
    twice = Document(text="a b c", source="a")
    with pytest.raises(ValueError, match="Two documents have the source 'a'"):
        build_index([twice, replace(twice, text="b")], tmp_path / "index", embedder=HashEmbedder())
    assert not (tmp_path / "index").exists()


def test_another_format_and_a_damaged_manifest_say_what_to_do(docs: Path, tmp_path: Path) -> None:
    index = build_index(docs, tmp_path / "index", embedder=HashEmbedder())
    path = index.path / "manifest.json"
    text = path.read_text("utf-8")
    path.write_text(json.dumps({**json.loads(text), "format": 99}))
    with pytest.raises(ValueError, match="has format 99, this program reads format 2"):
        open_index(index.path, embedder=HashEmbedder())
    path.write_text(text[:50])
    with pytest.raises(ValueError, match="is damaged; delete"):
        open_index(index.path, embedder=HashEmbedder())


def test_an_index_inside_the_documents_is_not_indexed(docs: Path, embedder: HashEmbedder) -> None:
    index = build_index(docs, docs / "index", embedder=embedder)
    (docs / "index" / "note.txt").write_text("not a document")
    assert index.update(docs).documents == 3
    assert index.report.skipped == ()


def test_progress_tells_each_stage_to_its_end(docs: Path, tmp_path: Path, embedder: HashEmbedder) -> None:
    steps: list[tuple[str, int, int]] = []
    build_index(docs, tmp_path / "index", embedder=embedder, progress=lambda *step: steps.append(step))
    assert [stage for stage, done, total in steps if done == total] == ["read", "embed", "write"]


def test_a_notice_of_an_added_folder_joins_the_one_that_is_there(tmp_path: Path) -> None:
    for name in ("clinic", "bank"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"The {name} opens at nine.", "utf-8")
        (tmp_path / name / "NOTICE.txt").write_text(f"No advice by the {name}.", "utf-8")
    index = build_index(tmp_path / "clinic", tmp_path / "index", embedder=HashEmbedder())
    for _ in range(2):
        index.add(tmp_path / "bank")
        assert index.notice == "No advice by the clinic.\n\nNo advice by the bank."
    index.add([Document(text="More.", source="more.md")])
    assert index.notice.startswith("No advice by the clinic.")
    assert len(index.documents()) == 3


def test_a_text_that_the_embedder_cannot_read_is_not_embedded_and_still_found(
    docs: Path, tmp_path: Path
) -> None:
    embedder = HashEmbedder(reads_chinese=False)
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    assert [text for text in embedder.embedded if "营业收入" in text] == []
    hit = index.search("营业收入是多少")[0]
    assert hit.chunk.source == "年报.md" and hit.dense_rank is None
    assert index.search("When is a refund paid?")[0].dense_rank == 1
