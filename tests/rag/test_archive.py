from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from rag.candidates import find_candidates
from rag.loaders import archive, load_document
from rag.loaders.pool import read_candidates
from rag.schema import Document


def packed(members: dict[str, bytes], path: Path | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    if path is not None:
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def read(path: Path) -> dict[str, str]:
    candidates, _ = find_candidates(path)
    return {
        candidate.source: found.text if isinstance(found, Document) else str(found)
        for candidate, found in read_candidates(candidates, workers=1)
    }


def test_each_member_is_a_document_of_its_own_also_within_an_inner_archive(tmp_path: Path) -> None:
    inner = packed({"notes/b.md": b"# B\n\nSecond."})
    packed(
        {"a.txt": b"First.", "old/inner.zip": inner, "__MACOSX/a.txt": b"x", ".hidden.txt": b"x"},
        tmp_path / "z.zip",
    )
    assert read(tmp_path) == {"z.zip/a.txt": "First.", "z.zip/old/inner.zip/notes/b.md": "# B\n\nSecond."}


@pytest.mark.parametrize(
    "name", ["../../outside.txt", "/etc/outside.txt", "..\\outside.txt", "C:/outside.txt"]
)
def test_a_name_that_leads_out_is_named_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "docs").mkdir()
    packed({name: b"Escaped.", "good.txt": b"Stays."}, tmp_path / "docs" / "z.zip")
    candidates, skipped = find_candidates(tmp_path / "docs")
    assert [candidate.source for candidate in candidates] == ["z.zip/good.txt"]
    assert len(skipped) == 1 and skipped[0].endswith("its name leads out of the archive")
    assert read(tmp_path / "docs") == {"z.zip/good.txt": "Stays."}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["docs", "z.zip"]


def test_bombs_strange_formats_and_archives_too_deep_are_skipped_with_the_reason(tmp_path: Path) -> None:
    deep = packed({"d.txt": b"Deep."})
    for _ in range(4):
        deep = packed({"z.zip": deep})
    packed(
        {"bomb.txt": bytes(20_000_000), "x.exe": b"MZ", "deep.zip": deep, "ok.txt": b"Fine."},
        tmp_path / "a.zip",
    )
    candidates, skipped = find_candidates(tmp_path)
    assert [candidate.source for candidate in candidates] == ["a.zip/ok.txt"]
    reasons = " | ".join(skipped)
    assert "a.zip/bomb.txt: unpacks from" in reasons and "a.zip/x.exe: format .exe is not read" in reasons
    assert "an archive within 3 archives" in reasons


def test_too_many_members_refuse_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed({f"{number}.txt": b"x" for number in range(12)}, tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MOST_MEMBERS", 10)
    with pytest.raises(ValueError, match=r"a\.zip holds more than 10 files"):
        archive.list_members(tmp_path / "a.zip", "a.zip")


def test_a_damaged_member_costs_itself_and_a_damaged_archive_is_named(tmp_path: Path) -> None:
    data = bytearray(packed({"a.txt": b"First words of a text. " * 20, "b.txt": b"Second."}))
    data[40] ^= 0xFF
    (tmp_path / "half.zip").write_bytes(data)
    (tmp_path / "none.zip").write_bytes(b"PK not at all")
    found = read(tmp_path)
    assert found["half.zip/b.txt"] == "Second." and found["half.zip/a.txt"].startswith(
        "half.zip/a.txt is damaged"
    )
    assert found["none.zip"] == "none.zip is damaged: it is no ZIP archive. Pack it again."


def test_a_member_is_known_again_by_its_content_and_not_by_its_archive(tmp_path: Path) -> None:
    packed({"a.txt": b"Same.", "b.txt": b"Before."}, tmp_path / "z.zip")
    before = {c.source: c.sha256() for c in find_candidates(tmp_path)[0]}
    packed({"a.txt": b"Same.", "b.txt": b"After!."}, tmp_path / "z.zip")
    after = {c.source: c.sha256() for c in find_candidates(tmp_path)[0]}
    assert before["z.zip/a.txt"] == after["z.zip/a.txt"] and before["z.zip/b.txt"] != after["z.zip/b.txt"]


def test_names_in_a_chinese_code_page_are_read(tmp_path: Path) -> None:
    data = packed({"XXXX.txt": "正文。".encode()})
    (tmp_path / "z.zip").write_bytes(data.replace(b"XXXX", "报告".encode("gb18030")))
    assert read(tmp_path) == {"z.zip/报告.txt": "正文。"}


def test_an_archive_read_by_itself_puts_each_member_below_its_name(tmp_path: Path) -> None:
    packed({"a.md": b"# Fees\n\nLow.", "b.txt": b"Second."}, tmp_path / "z.zip")
    document = load_document(tmp_path / "z.zip", "z.zip")
    assert [heading.path for heading in document.headings] == ["a.md", "a.md > Fees", "b.txt"]
    assert document.text.endswith("b.txt\n\nSecond.")
