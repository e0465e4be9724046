"""Names of uploads never lead out of their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ui.uploads import index_name, safe_name, save_upload


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("年报 2024.docx", "年报 2024.docx"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/abs/olute.txt", "olute.txt"),
        ("C:\\boot.txt", "boot.txt"),
        ("a\x00b\n.txt", "a_b_.txt"),
        (".hidden.md", "hidden.md"),
        ("con.txt", "_con.txt"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("x" * 400 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_a_name_keeps_what_is_a_name(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@pytest.mark.parametrize("name", ["", "..", ".", "///", "a/..", "..\\", "\u202e"])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a file; rename it"):
        safe_name(name)


@given(st.text(max_size=300))
def test_whatever_the_name_it_stays_one_name_in_its_folder(name: str) -> None:
    try:
        found = safe_name(name)
    except ValueError:
        return
    folder = Path("/srv/documents")
    assert (folder / found).parent == folder and found not in ("", ".", "..")
    assert not set(found) & set("/\\\x00") and len(found.encode("utf-8", "surrogatepass")) <= 255


def test_the_same_name_again_is_the_new_version(tmp_path: Path) -> None:
    assert save_upload(tmp_path / "new", "../a.txt", b"one") == (tmp_path / "new" / "a.txt", False)
    path, replaced = save_upload(tmp_path / "new", "a.txt", b"two")
    assert replaced and path.read_bytes() == b"two"
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_an_upload_does_not_follow_a_link_out_of_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").symlink_to(outside)
    with pytest.raises(ValueError, match="leads out of the folder"):
        save_upload(tmp_path / "in", "a.txt", b"theirs")
    assert outside.read_text() == "mine"


def test_an_index_gets_a_name_that_is_one_folder() -> None:
    assert index_name(" ../Hand book 手册 ") == "Hand-book-手册"
    with pytest.raises(ValueError, match="Give the index a name"):
        index_name("../..")
