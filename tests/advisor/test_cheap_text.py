import io
import zipfile

import pytest

from advisor.cheap_text import READERS, look_into
from advisor.to_utf8 import to_utf8

SHEET = '<worksheet><sheetData><row r="1">{}</row><row r="2">{}</row></sheetData></worksheet>'
ZH = "本公司成立于一九九八年，总部位于北京。" * 40


def look(tmp_path, name, content, limit=128 << 10):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look_into(str(path), path.suffix, path.stat().st_size, limit)


def archive(**parts):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_chinese_is_understood_in_each_encoding(codec):
    assert to_utf8(ZH.encode(codec)).decode().lstrip("\ufeff") == ZH


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1252", "ascii"])
def test_english_is_understood_in_each_encoding(codec):
    text = "Interest rates rise." if codec == "ascii" else "Café fees rise by a third. " * 5
    text = text if codec == "cp1252" else text.replace("é", "e")
    assert to_utf8(text.encode(codec)).decode() == text


def test_a_few_flipped_bytes_do_not_make_another_encoding():
    raw = bytearray(ZH.encode())
    raw[100] = raw[1000] = 0xFF
    assert to_utf8(bytes(raw)).decode().count("本公司") >= 38


def test_a_character_cut_at_the_limit_does_not_make_another_encoding():
    assert to_utf8(ZH.encode()[:-1]).decode("utf-8", "ignore") == ZH[:-1]


def test_binary_content_is_refused():
    with pytest.raises(ValueError, match="binary content"):
        to_utf8(b"\x00\x01\x02\xff" * 10 + b"text" * 100)


def test_entities_are_letters_and_hidden_blocks_are_not(tmp_path):
    page = "<ix:header><p>hidden</p></ix:header><p>R&amp;D&nbsp;costs &#20844;&#21496;</p><svg>path</svg>"
    assert look(tmp_path, "a.html", page).text.decode().split() == ["R&D", "costs", "公司"]


def test_cells_of_a_sheet_are_text_and_their_indices_are_not(tmp_path):
    strings = "<sst><si><t>Year</t></si><si><t>Rate</t></si></sst>"
    head = '<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    body = '<c r="A2"><v>2024</v></c><c r="B2"><v>3.1000000000000001</v></c>'
    body += '<c r="C2" t="inlineStr"><is><t>x</t></is></c>'
    packed = archive(
        **{"xl/sharedStrings.xml": strings, "xl/worksheets/sheet1.xml": SHEET.format(head, body)}
    )
    seen = look(tmp_path, "a.xlsx", packed)
    assert seen.text.decode().split("\n") == ["Year | Rate", "2024 | 3.1 | x"]
    assert seen.repeated == ((b"Year: Rate:", 1),)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "year,rate\n2024,3.1\n2025,2.8\n"),
        ("a.tsv", "year\trate\n2024\t3.1\n2025\t2.8"),
        (
            "a.html",
            "<table><tr><th>year</th><th>rate</th></tr>" + "<tr><td>1</td><td>2</td></tr>" * 2 + "</table>",
        ),
    ],
)
def test_names_of_columns_are_repeated_on_each_row(tmp_path, name, content):
    assert look(tmp_path, name, content).repeated == ((b"year: rate:", 2),)


@pytest.mark.parametrize("content", ["2024,3.1\n2025,2.8\n", "one line", "just,a header\n"])
def test_values_name_no_columns(tmp_path, content):
    assert look(tmp_path, "a.csv", content).repeated == ()


def test_a_table_of_word_names_its_columns(tmp_path):
    row = "<w:tr><w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc></w:tr>"
    xml = f"<w:document><w:tbl>{row.format('Fee', 'Rate')}{row.format('A', '1')}</w:tbl></w:document>"
    assert look(tmp_path, "a.docx", archive(**{"word/document.xml": xml})).repeated == ((b"Fee: Rate:", 1),)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty file"),
        ("a.txt", b" \n\t ", "holds no text"),
        ("a.html", b"<script>only()</script>", "holds no text"),
        ("a.docx", archive(**{"word/document.xml": "<w:document><w:t>half of it"}), "stops in the middle"),
        ("a.docx", archive(**{"other.xml": "x"}), "the part with the text is missing"),
    ],
)
def test_what_cannot_be_read_gets_its_reason(tmp_path, name, content, reason):
    with pytest.raises(ValueError, match=reason):
        look(tmp_path, name, content)


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_each_format_is_read_within_its_limit_or_refused(tmp_path, suffix):
    """Bytes that are no such file: a reason, never another error."""
    try:
        assert look(tmp_path, f"a{suffix}", b"Some words, no more.\n" * 9_000, 10_000).share < 0.1
    except ValueError as error:
        assert str(error).startswith("damaged")


def words_in(tmp_path, name, content):
    return look(tmp_path, name, content).text.decode().split()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.odt", archive(**{"content.xml": "<o><style:style/><text:p>Paid leave.</text:p></o>"})),
        ("a.pptx", archive(**{"ppt/slides/slide1.xml": "<p><a:p>Paid</a:p><a:p>leave.</a:p></p>"})),
        (
            "a.epub",
            archive(
                **{"OEBPS/one.xhtml": "<html><style>p{}</style><p>Paid leave.</p></html>", "x.css": "p{}"}
            ),
        ),
        ("a.zip", archive(**{"docs/a.txt": "Paid leave.", "picture.png": "no text"})),
        ("a.rtf", rb"{\rtf1{\fonttbl{\f0 Arial;}}\b Paid\b0  leave.\par}"),
        (
            "a.doc",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "Paid leave.".encode("utf-16-le") + bytes(90),
        ),
        ("a.json", b'"Paid leave."'),
    ],
)
def test_other_formats_show_their_words_and_little_else(tmp_path, name, content):
    assert [word.strip('"') for word in words_in(tmp_path, name, content)] == ["Paid", "leave."]


def test_a_mail_shows_its_head_and_one_of_its_two_bodies(tmp_path):
    mail = (
        b"From: a@example.com\nSubject: Leave\nContent-Type: multipart/alternative; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\nPaid leave.\n--x\nContent-Type: text/html\n\n<p>Paid leave.</p>\n--x--\n"
    )
    assert " ".join(words_in(tmp_path, "a.eml", mail)) == "from: a@example.com subject: Leave Paid leave."
