from __future__ import annotations

import zipfile
from pathlib import Path

import pptx
import pytest
from fpdf import FPDF
from pptx.util import Inches

from rag.loaders import load_document
from rag.schema import Document


def read(folder: Path, name: str, content: str | bytes) -> Document:
    (folder / name).write_bytes(
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    )
    return load_document(folder / name, name)


def zipped(folder: Path, name: str, members: dict[str, str]) -> Document:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return load_document(folder / name, name)


def paths(document: Document) -> list[str]:
    return [heading.path for heading in document.headings]


def test_slides_are_pages_with_titles_tables_and_notes(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for title in ("Results", "Outlook"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        slide.notes_slide.notes_text_frame.text = f"Say more about {title.lower()}."
    table = deck.slides[0].shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for place, text in zip(((0, 0), (0, 1), (1, 0), (1, 1)), ("Region", "Sales", "North", "12"), strict=True):
        table.cell(*place).text = text
    deck.save(str(tmp_path / "a.pptx"))
    document = load_document(tmp_path / "a.pptx", "a.pptx")
    assert document.text.startswith("Results\n\nRegion: North; Sales: 12\n\nNotes\n\nSay more about results.")
    assert paths(document) == ["Results", "Results > Notes", "Outlook", "Outlook > Notes"]
    assert [document.text[page.start :][:7] for page in document.pages] == ["Results", "Outlook"]


def test_json_keeps_keys_and_numbers_as_written(tmp_path: Path) -> None:
    text = '{"version": 1.10, "teams": [{"name": "North", "tags": ["a", "b"]}], "limits": {"rate": null, "days": 30}}'
    document = read(tmp_path, "a.json", text)
    assert document.text == "version: 1.10\n\nteams\n\nname: North; tags: a, b\n\nlimits\n\ndays: 30"
    assert paths(document) == ["teams", "limits"]


def test_damaged_json_names_the_line_and_jsonl_leaves_only_that_line_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.json is damaged: no JSON at line 2"):
        read(tmp_path, "a.json", '{"a": 1,\n')
    document = read(tmp_path, "a.jsonl", '{"q": "One?"}\n{"q": \n{"q": "Two?"}\n')
    assert document.text == "q: One?\nq: Two?" and document.metadata["unread"] == "no JSON in line 2"


def test_a_surrogate_without_its_other_half_does_not_spoil_the_index(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", r'{"a": "x\ud800y"}').text == "a: x\ufffdy"


def test_json_nested_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.json is damaged"):
        read(tmp_path, "a.json", "[" * 100_000)


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata><title>Two Tales</title></metadata><manifest>'
        '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="a%20one.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    document = zipped(
        tmp_path,
        "a.epub",
        {
            "META-INF/container.xml": '<c><rootfile full-path="OEBPS/p.opf"/></c>',
            "OEBPS/p.opf": package,
            "OEBPS/b.xhtml": "<html><head><title>Second</title></head><body><p>Later.</p></body></html>",
            "OEBPS/a one.xhtml": "<html><body><h1>First</h1><p>Earlier.</p></body></html>",
        },
    )
    assert (
        document.text == "First\n\nEarlier.\n\nSecond\n\nLater." and document.metadata["title"] == "Two Tales"
    )


def test_a_mail_gives_its_head_body_and_attachments(tmp_path: Path) -> None:
    mail = (
        "From: Ada <ada@example.com>\nTo: Bo <bo@example.com>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
        "Date: Tue, 04 Mar 2025 10:00:00 +0100\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/html\n\n<p>Hello <b>Bo</b>.</p>\n"
        '--x\nContent-Type: text/markdown\nContent-Disposition: attachment; filename="../plan.md"\n\n'
        "# Plan\n\nStart in May.\n"
        '--x\nContent-Type: application/x\nContent-Disposition: attachment; filename="a.exe"\n\nMZ\n--x--\n'
    )
    document = read(tmp_path, "a.eml", mail)
    assert "From: Ada <ada@example.com>" in document.text and "Hello Bo." in document.text
    assert paths(document) == ["Grüße", "Grüße > Attachment: plan.md", "Grüße > Attachment: plan.md > Plan"]
    assert (
        document.metadata["date"] == "2025-03-04" and document.metadata["unread"] == "a.exe: format not read"
    )
    assert not (tmp_path.parent / "plan.md").exists()


def test_open_documents_give_text_tables_and_no_deleted_words(tmp_path: Path) -> None:
    content = (
        '<o:d xmlns:o="o" xmlns:t="t" xmlns:b="b"><o:body><o:text>'
        "<t:tracked-changes><t:p>Deleted.</t:p></t:tracked-changes>"
        '<t:h t:outline-level="1">Leave</t:h><t:p>Up to<t:s t:c="2"/>30 days.</t:p><b:table>'
        "<b:table-row><b:table-cell><t:p>Kind</t:p></b:table-cell><b:table-cell><t:p>Days</t:p></b:table-cell></b:table-row>"
        "<b:table-row><b:table-cell><t:p>Sick</t:p></b:table-cell>"
        '<b:table-cell b:number-columns-repeated="99999999"><t:p>5</t:p></b:table-cell></b:table-row>'
        "</b:table></o:text></o:body></o:d>"
    )
    document = zipped(tmp_path, "a.odt", {"META-INF/manifest.xml": "<m/>", "content.xml": content})
    assert (
        document.text.startswith("Leave\n\nUp to  30 days.\n\nKind: Sick; Days: 5")
        and "Deleted" not in document.text
    )
    with pytest.raises(ValueError, match=r"b\.odt is encrypted"):
        zipped(
            tmp_path, "b.odt", {"META-INF/manifest.xml": "<m><encryption-data/></m>", "content.xml": content}
        )


def test_xml_gives_articles_as_text_and_data_by_name_without_its_entities(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside")
    text = (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]><article><title>Fees</title>'
        "<p>A <i>low</i> fee.</p><priceInEuro>30</priceInEuro><note>&x;</note></article>"
    )
    document = read(tmp_path, "a.xml", text)
    assert document.text == "Fees\n\nA low fee.\n\nprice In Euro: 30"


def test_a_billion_laughs_are_not_expanded(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    text = f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a><b>Fine.</b>&e9;</a>'
    try:
        assert len(read(tmp_path, "a.xml", text).text) < 1_000
    except ValueError as error:
        assert str(error).startswith("a.xml is damaged")


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.rst", "Leave\n=====\n\nText.\n\nSick\n----\n\nMore.\n", ["Leave", "Leave > Sick"]),
        ("a.adoc", "= Leave\n\nText.\n\n== Sick\n\nMore.\n", ["Leave", "Leave > Sick"]),
        ("a.tex", "\\section{Leave}\nText.\n\\subsection{Sick}\nMore.\n", ["Leave", "Leave > Sick"]),
    ],
)
def test_plain_markup_is_verbatim_with_its_headings(
    tmp_path: Path, name: str, text: str, found: list[str]
) -> None:
    document = read(tmp_path, name, text)
    assert document.text == text and paths(document) == found


def test_rtf_gives_text_and_rows(tmp_path: Path) -> None:
    rows = r"\trowd Kind\cell Days\cell\row \trowd Sick\cell 5\cell\row"
    document = read(tmp_path, "a.rtf", rf"{{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe.\par {rows} }}")
    assert document.text.startswith("Grüße.") and "Kind: Sick; Days: 5" in document.text


@pytest.mark.parametrize(
    "suffix", [".doc", ".ppt", ".xls", ".msg", ".rtf", ".epub", ".odt", ".pptx", ".zip", ".eml"]
)
def test_what_only_bears_the_name_of_a_format_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match=rf"^a\{suffix}"):
        read(tmp_path, f"a{suffix}", "Some words, no more.\n" * 50)


def columns(path: Path) -> Path:
    """Two columns whose lines are written across the page, below a title and above a foot."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 16)
    pdf.text(20, 20, "A title over both of the columns of this page")
    pdf.set_font("Helvetica", size=10)
    for number in range(12):
        for left, side in ((20, "left"), (110, "right")):
            pdf.text(left, 40 + 6 * number, f"The {side} column goes on in its line number {number:02d}")
    pdf.output(str(path))
    return path


def test_a_page_of_two_columns_is_read_down_the_left_one_first(tmp_path: Path) -> None:
    text = load_document(columns(tmp_path / "a.pdf"), "a.pdf").text
    places = [
        text.index(f"{side} column goes on in its line number {n:02d}")
        for side in ("left", "right")
        for n in range(12)
    ]
    assert places == sorted(places) and " | " not in text


def test_a_page_that_is_damaged_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    pdf = FPDF()
    for number in (1, 2):
        pdf.add_page()
        pdf.set_font("Helvetica", size=10)
        pdf.text(20, 20, f"Words of page {number}.")
    whole = bytes(pdf.output())
    (tmp_path / "a.pdf").write_bytes(whole.replace(b"/Type /Page\n", b"/Type /Pxge\n", 1))
    assert "Words of page 2." in load_document(tmp_path / "a.pdf", "a.pdf").text


def test_lists_of_links_that_lead_elsewhere_are_no_text_unless_they_are_the_page(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="/{n}">Topic {n}</a></li>' for n in range(12))
    prose = "<p>The fee is thirty euro for each visit, paid at the desk. </p>" * 5
    body = f'<div role="navigation">Menu</div><ul>{links}</ul>{prose}<ul><li>First pay.</li></ul>'
    text = read(tmp_path, "a.html", f"<html><body>{body}</body></html>").text
    assert "Topic" not in text and "Menu" not in text and text.endswith("- First pay.")
    assert (
        "Topic 11" in read(tmp_path, "b.html", f"<html><body><h1>All</h1><ul>{links}</ul></body></html>").text
    )
