import os
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import profile_data, survey
from advisor.tokens import count_letters


def tokens_of(text):
    return count_letters(text.encode()).tokens


def test_formats_tokens_and_languages_are_told(documents):
    profile = profile_data(documents)

    assert profile.files == 6
    assert profile.formats == {".csv": 1, ".docx": 1, ".html": 1, ".md": 1, ".txt": 2}
    assert 0.3 < profile.languages["zh"] < 0.7
    assert 600 < profile.tokens < 1200
    assert not profile.sampled and not profile.unreadable


def test_tags_and_scripts_count_for_nothing(tmp_path):
    (tmp_path / "page.html").write_text("<style>" + "a{}" * 5000 + "</style><p>Short text here.</p>", "utf-8")
    assert profile_data(tmp_path).tokens < 10


def test_files_that_no_loader_reads_are_listed_by_format(documents):
    (documents / "photo.png").write_bytes(b"\x89PNG")
    (documents / ".hidden.md").write_text("not counted", "utf-8")
    profile = profile_data(documents)
    assert profile.unsupported == {".png": 1}
    assert profile.files == 6


def test_encrypted_broken_and_empty_files_are_named_with_the_reason(documents):
    (documents / "locked.pdf").write_bytes(b"%PDF-1.7\n/Encrypt 5 0 R\nstartxref\n9\n%%EOF")
    (documents / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj <</Type /Page>>")
    (documents / "none.txt").write_bytes(b"")
    (documents / "wrapped.docx").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (documents / "torn.docx").write_bytes(b"PK\x03\x04 torn")

    unreadable = "\n".join(profile_data(documents).unreadable)

    assert "locked.pdf: encrypted PDF" in unreadable
    assert "cut.pdf: damaged" in unreadable
    assert "none.txt: empty file" in unreadable
    assert "wrapped.docx: encrypted" in unreadable
    assert "torn.docx: damaged" in unreadable


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(documents):
    with zipfile.ZipFile(documents / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (8 << 20))
    assert "bomb.docx: refused" in profile_data(documents).unreadable[0]


def test_pages_of_a_pdf_are_counted_without_a_parser(tmp_path):
    pages = b"".join(b"%d 0 obj <</Type /Page /Parent 1 0 R>> endobj\n" % n for n in range(2, 9))
    (tmp_path / "seven.pdf").write_bytes(
        b"%PDF-1.4\n1 0 obj <</Type /Pages>> endobj\n" + pages + b"startxref\n0\n%%EOF"
    )
    assert profile_data(tmp_path).tokens == 7 * 500


def test_a_long_file_is_sampled_and_the_profile_says_so(tmp_path):
    line = "Ten words of plain English stand on this one line.\n"
    (tmp_path / "long.txt").write_text(line * 20_000, "utf-8")
    profile = profile_data(tmp_path)
    assert profile.sampled
    assert profile.tokens == pytest.approx(20_000 * tokens_of(line), rel=0.01)


def test_beyond_the_byte_budget_the_rest_is_extrapolated(tmp_path, monkeypatch):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text("some plain text " * 100, "utf-8")
    whole = profile_data(tmp_path).tokens
    monkeypatch.setattr(survey, "BYTE_BUDGET", 10_000)
    part = profile_data(tmp_path)
    assert part.sampled
    assert part.tokens == pytest.approx(whole, rel=0.01)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_in_which_files_were_written_is_irrelevant(order):
    fund = "The fund pays 1.2 percent; ask anna@bank.org. "
    texts = {f"{number}.md": f"Document {number}. {fund}" * (number % 7 + 1) for number in range(23)}
    texts["copy.txt"] = texts["0.md"]
    names = sorted(texts)
    with TemporaryDirectory() as place:
        for folder, way in (("one", range(24)), ("two", order)):
            (Path(place) / folder).mkdir()
            for number in way:
                path = Path(place) / folder / names[number]
                path.write_text(texts[names[number]], "utf-8")
                os.utime(path, (1e9, 1e9))
        one, two = (profile_data(Path(place) / folder) for folder in ("one", "two"))
    assert replace(one, path=None, median_age_days=None) == replace(two, path=None, median_age_days=None)
    assert one.near_duplicates == 1 and one.personal_data == {"email": sum(n % 7 + 1 for n in range(23)) + 1}


def test_what_is_troublesome_is_counted(documents):
    (documents / "again.txt").write_text("# REFUNDS\n\nThe refund window is thirty days.\n" * 20, "utf-8")
    (documents / "list.md").write_text("Call Anna at +49 30 1234567 or write to anna@bank.org.", "utf-8")
    profile = profile_data(documents)
    assert profile.near_duplicates == 1
    assert profile.personal_data == {"email": 1, "phone": 1}
    assert profile.scanned == ()


def test_files_of_a_format_that_were_not_opened_are_taken_to_be_like_the_opened_ones(tmp_path, monkeypatch):
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("本基金的年费率为百分之一点二。" * 20, "utf-8")
        (tmp_path / f"{number}.md").write_text("The fee is paid at the end of the year. " * 20, "utf-8")
    whole = profile_data(tmp_path)
    monkeypatch.setattr(survey, "BYTE_BUDGET", 20_000)
    part = profile_data(tmp_path)
    assert part.sampled and not whole.sampled
    assert part.languages == pytest.approx(whole.languages, abs=0.02)


def test_names_of_columns_count_on_each_row_as_in_an_index(tmp_path):
    (tmp_path / "a.csv").write_text("annual rate,lender\n" + "3.1,Northbank\n" * 50, "utf-8")
    (tmp_path / "b.txt").write_text("3.1,Northbank\n" * 50, "utf-8")
    assert profile_data(tmp_path).tokens == pytest.approx(
        100 * tokens_of("3.1,Northbank") + 51 * tokens_of("annual rate,lender:"), rel=0.02
    )


def test_the_text_of_pdf_files_is_looked_up_for_answers(tmp_path, write_rows):
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    made.multi_cell(0, None, "The yearly fee is 1.2 percent of the assets.")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fees.pdf").write_bytes(bytes(made.output()))
    row = {"question": "How high is the fee?", "answer": "1.2 percent", "source": "fees.pdf"}
    rows = profile_data(tmp_path / "docs", write_rows(tmp_path / "qa.jsonl", [row])).examples
    assert (rows.answers_in_documents, rows.answers_checked) == (1.0, 1)


def test_other_encodings_are_understood(tmp_path, write_docx):
    (tmp_path / "gb.txt").write_bytes(("本公司成立于一九九八年。" * 50).encode("gb18030"))
    write_docx(tmp_path / "zh.docx", "年度报告" * 100)
    assert profile_data(tmp_path).languages["zh"] > 0.99


def test_a_missing_and_an_empty_folder_each_get_one_line_that_names_the_next_step(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; name a folder"):
        profile_data(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no document; put files there"):
        profile_data(tmp_path)
    with pytest.raises(ValueError, match="Nothing to profile"):
        profile_data(None, None)


def test_a_file_in_place_of_a_folder_is_refused(documents):
    with pytest.raises(NotADirectoryError, match="name the folder that holds it"):
        profile_data(documents / "refunds.md")


@pytest.mark.parametrize("piece", [b"<", b"<script", b"<!--", b"<style><", b"</", b"<a "])
def test_hostile_markup_costs_no_more_than_any_other(tmp_path, piece):
    """A quadratic search would take minutes for this and run into the test's time limit."""
    (tmp_path / "page.html").write_bytes(piece * (200_000 // len(piece)))
    (tmp_path / "text.html").write_text(
        "<p>Some <b>bold</b> words</p><!-- not this --><SCRIPT>nor this</SCRIPT> end"
    )
    assert profile_data(tmp_path).files == 2


def test_text_between_tags_is_kept_and_blocks_are_dropped(tmp_path):
    words = "words that stand in the page "
    page = (
        f"<STYLE>{'x' * 9000}</STYLE><p>{words}</p><!-- {'y' * 9000} --><script>{'z' * 9000}</script>{words}"
    )
    (tmp_path / "page.html").write_text(page, "utf-8")
    assert profile_data(tmp_path).tokens == pytest.approx(2 * tokens_of(words), abs=1)
