from __future__ import annotations

from pathlib import Path

import compare_frameworks
import pytest
import scale
import synthetic
from measured import Rows, median, percentile
from sample_files import change_some, write_sample

from rag import RagConfig, build_index


def test_a_finished_row_is_not_measured_again(tmp_path: Path) -> None:
    first = Rows(tmp_path / "rows.json", again=False).get("a", lambda: {"s": 1.0})
    kept = Rows(tmp_path / "rows.json", again=False).get("a", lambda: {"s": 2.0})
    anew = Rows(tmp_path / "rows.json", again=True).get("a", lambda: {"s": 2.0})
    assert (first, kept, anew) == ({"s": 1.0}, {"s": 1.0}, {"s": 2.0})


def test_percentiles_and_medians_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 2.0, 4.0, 3.0]
    assert (median(values), median([1.0, 3.0]), percentile(values, 0.95), percentile(values, 0.5)) == (
        3,
        2,
        5,
        3,
    )


def test_synthetic_documents_make_as_many_chunks_as_asked_for(tmp_path: Path) -> None:
    config = RagConfig(chunk_tokens=synthetic.CHUNK_TOKENS, overlap_tokens=0)
    embedder = synthetic.SyntheticEmbedder()
    index = build_index(list(synthetic.documents(200)), tmp_path / "index", config, embedder=embedder)
    pieces = synthetic.chunk_texts(200)
    assert len(index) == len(pieces) == 200
    assert {hit.chunk.text for hit in index.search(pieces[7], k=5)} & set(pieces)
    changed = list(synthetic.documents(200, version=1, changed=1))
    assert len(index.add(changed).read) == 1


def test_a_question_about_a_topic_is_near_its_documents() -> None:
    embedder = synthetic.SyntheticEmbedder()
    same, other, asked = embedder.embed(["Topic0007 baba.", "Topic0008 baba.", "topic0007 lila"])
    assert asked @ same > 0.2 > asked @ other


def test_the_sample_holds_every_kind_and_copies_and_some_of_it_changes(tmp_path: Path) -> None:
    write_sample(tmp_path / "docs", 48)
    files = [path for path in (tmp_path / "docs").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".txt", ".md", ".html", ".pdf"} and len(files) == 48
    assert len({path.read_bytes() for path in files}) == 44
    before = {path: path.read_bytes() for path in files}
    changed = change_some(tmp_path / "docs", 0.05, "Whitsun")
    assert sorted(p.name for p in files if p.read_bytes() != before[p]) == sorted(n[-12:] for n in changed)


def test_tables_give_ratios_to_this_program() -> None:
    row = {"build_s": 2.0, "import_s": 0.1, "mib": 100.0, "found": {"q": ["a"]}}
    rows = {
        "this program": row | {"update_s": 0.5, "changed": 1, "found_after": 1},
        "other": row | {"build_s": 8.0},
    }
    table = "\n".join(compare_frameworks.folder_table("Set", rows, {"q": {"a": 1}}))
    assert (
        "| other | 8.0 | 4.00 | 1.000 |" in table
        and "| this program | 2.0 | 1.00 | 1.000 | 1 | 0.50 |" in table
    )


def test_the_curve_is_drawn_as_a_picture_with_words(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    keys = ("build_s", "update_s", "open_s", "p50_ms", "p95_ms", "mib", "peak_mib")
    rows = [{"chunks": size} | dict.fromkeys(keys, size / 100) for size in (1000, 10_000)]
    scale.plot(rows, tmp_path / "scale.svg")
    picture = (tmp_path / "scale.svg").read_text("utf-8")
    assert "95th percentile" in picture and len(picture) < 200_000
