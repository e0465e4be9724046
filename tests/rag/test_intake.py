from __future__ import annotations

from pathlib import Path

from fakes import HashEmbedder

from rag import Document, RagConfig, build_index


def test_a_file_moved_to_another_name_keeps_its_text_and_takes_the_new_title(
    docs: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    before = index.document("travel/allowance.txt")
    embedder.embedded.clear()
    (docs / "travel" / "allowance.txt").rename(docs / "per diem.txt")
    report = index.update(docs)
    assert (report.read, report.moved, report.removed) == ((), ("per diem.txt",), ("travel/allowance.txt",))
    after = index.document("per diem.txt")
    assert (after.text, after.metadata["title"], embedder.embedded) == (before.text, "per diem", [])


def test_a_file_whose_new_name_gives_a_date_is_read_again(
    docs: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    index = build_index(docs, tmp_path / "index", embedder=embedder)
    (docs / "travel" / "allowance.txt").rename(docs / "allowance 2025-03-31.txt")
    report = index.update(docs)
    assert report.read == ("allowance 2025-03-31.txt",) and report.moved == () and report.embedded == 0
    assert index.document("allowance 2025-03-31.txt").metadata["date"] == "2025-03-31"


def test_equal_texts_are_embedded_once_whatever_holds_them(tmp_path: Path, embedder: HashEmbedder) -> None:
    texts = [f"Sentence {number % 5} is here." for number in range(50)]
    given = [Document(text=text, source=f"item{number}") for number, text in enumerate(texts)]
    index = build_index(given, tmp_path / "index", embedder=embedder)
    assert (len(index), index.report.embedded) == (50, 5)
    assert sorted(embedder.embedded) == sorted(set(texts))


def test_many_texts_are_embedded_in_pools_with_like_lengths_together(tmp_path: Path) -> None:
    class Widths(HashEmbedder):
        batches: list[list[int]] = []

        def embed(self, texts, progress=None):  # type: ignore[no-untyped-def]
            self.batches.append([len(text) for text in texts])
            return super().embed(texts, progress)

    embedder = Widths()
    given = [Document(text=f"w{n} " * (1 + n * 7 % 60), source=f"item{n:04d}") for n in range(2500)]
    index = build_index(given, tmp_path / "index", RagConfig(), embedder=embedder)
    assert len(index) == index.report.embedded == sum(map(len, embedder.batches)) == 2500
    assert max(map(len, embedder.batches)) == 128
    spread = [max(batch) - min(batch) for batch in embedder.batches[:8]]
    assert max(spread) < 100  # of texts of 3 to 350 characters
    assert index.search("w1234", k=1)[0].chunk.source == "item1234"


def test_what_was_left_out_of_a_file_that_was_read_is_reported(docs: Path, tmp_path: Path) -> None:
    (docs / "log.jsonl").write_text('{"text": "The gate opens at nine."}\nnot json\n', encoding="utf-8")
    report = build_index(docs, tmp_path / "index", embedder=HashEmbedder()).report
    assert report.unread == ("log.jsonl: no JSON in line 2",)
    assert report.render().splitlines()[0].endswith("0 failed, 0 skipped, 1 read in part")
    assert report.render().splitlines()[1:] == ["  in part  log.jsonl: no JSON in line 2"]
    assert report.as_dict()["unread"] == report.unread
