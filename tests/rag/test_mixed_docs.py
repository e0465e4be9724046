from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from peak_memory import PeakMemory

from rag.candidates import Candidate, find_candidates
from rag.loaders import LOADERS, load_document
from rag.loaders.ocr import has_ocr
from rag.loaders.pool import read_candidates
from rag.schema import Document

SHARED = Path(os.environ.get("ADVISOR_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
MIXED = SHARED / "mixed_docs"
pytestmark = pytest.mark.skipif(
    not MIXED.is_dir(), reason="the mixed_docs collection is not beside this checkout"
)


def manifest() -> list[dict[str, Any]]:
    if not MIXED.is_dir():
        return []
    return [json.loads(line) for line in (MIXED / "manifest.jsonl").read_text("utf-8").splitlines()]


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


WITH_TEXT = [row for row in manifest() if row["expect_text"]]
REFUSED = [
    row for row in manifest() if row["kind"] in ("encrypted", "empty", "binary") or row["expect"] == "error"
]
SCANS = [row for row in manifest() if row["expect_ocr_text"]]


@pytest.mark.parametrize("row", WITH_TEXT, ids=lambda row: row["file"][6:])
def test_a_good_file_gives_what_its_manifest_expects(row: dict[str, Any]) -> None:
    document = load_document(MIXED / row["file"], row["file"])
    assert [text for text in row["expect_text"] if bare(text) not in bare(document.text)] == []
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(starts) and all(start <= len(document.text) for start in starts)
    assert all(page.start <= page.end <= len(document.text) for page in document.pages)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["file"][6:])
def test_a_file_without_a_text_to_read_is_refused_in_one_line_that_names_it(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        load_document(MIXED / row["file"], row["file"])
    assert str(caught.value).startswith(row["file"]) and "\n" not in str(caught.value)


@pytest.mark.skipif(not has_ocr(), reason="the extra [ocr] is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("row", SCANS[:2], ids=lambda row: row["file"][6:])
def test_a_scan_is_read_by_ocr_also_when_it_lies_on_its_side(row: dict[str, Any]) -> None:
    document = load_document(MIXED / row["file"], row["file"])
    assert [text for text in row["expect_ocr_text"] if bare(text) not in bare(document.text)] == []
    assert document.metadata["ocr"].startswith("page")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_the_whole_folder_goes_through_the_workers_below_two_gib() -> None:
    candidates, skipped = find_candidates(MIXED / "files")
    scans = {row["file"][6:] for row in SCANS}  # minutes of work; the benchmark reads them too
    with PeakMemory(beyond_start=True) as peak:  # other tests of this process have loaded much
        found = list(read_candidates([c for c in candidates if c.source not in scans]))
    assert len(found) + len(scans) + len(skipped) == len(manifest())
    for candidate, result in found:
        assert isinstance(result, Document) or str(result).startswith(candidate.source), result
    assert 0 < peak.size_bytes < 2 << 30


def test_every_format_of_the_collection_is_read() -> None:
    assert {Path(row["file"]).suffix for row in manifest()} - set(LOADERS) == {".bin"}


def test_a_candidate_is_read_alike_in_and_out_of_a_worker() -> None:
    path = MIXED / "files" / "wiki_duck.html"
    [(_, found)] = read_candidates([Candidate(source=path.name, path=path)], workers=1)
    assert found == load_document(path, path.name)
