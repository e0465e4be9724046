import io
import zlib

import pytest
from fpdf import FPDF
from fpdf.enums import EncryptionMethod

from advisor.pdf_glance import glance_at_pdf
from advisor.pdf_objects import PdfObjects
from advisor.pdf_text import shown_text

HELVETICA = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>"
CMAP = b"1 beginbfchar <0003> <5E74> endbfchar 1 beginbfrange <0004> <0005> <8D39> endbfrange"
PICTURE = b"<</Subtype /Image /Filter /DCTDecode>>\nstream\nxx\nendstream"


def stream(content, head=b""):
    packed = zlib.compress(content)
    return b"<</Filter /FlateDecode /Length %d %s>>\nstream\n%s\nendstream" % (len(packed), head, packed)


def pdf(*pages, font=HELVETICA, objects=()):
    """Pages from their contents; object 3 is the font, 4 and the next are `objects`, which pages know as /X4, /X5."""
    extra = {4 + number: body for number, body in enumerate(objects)}
    first = 4 + len(extra)
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(pages)))
    named = b" ".join(b"/X%d %d 0 R" % (number, number) for number in extra)
    shared = b"/Resources <</Font <</F1 3 0 R>> /XObject <<%s>>>>" % named
    bodies = {
        1: b"<</Type /Catalog /Pages 2 0 R>>",
        2: b"<</Type /Pages /Count %d /Kids [%s] %s>>" % (len(pages), kids, shared),
        3: font,
        **extra,
    }
    for number, content in enumerate(pages):
        bodies[first + 2 * number] = b"<</Type /Page /Parent 2 0 R /Contents %d 0 R>>" % (
            first + 2 * number + 1
        )
        bodies[first + 2 * number + 1] = stream(content)
    written = b"".join(b"%d 0 obj %s endobj\n" % item for item in bodies.items())
    return b"%PDF-1.4\n" + written + b"trailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF"


def glance(raw, limit=128 << 10):
    return glance_at_pdf(io.BytesIO(raw), len(raw), limit)


def text(*pages, **rest):
    return glance(pdf(*pages, **rest)).text.decode()


def test_strings_are_read_with_their_spaces_and_lines():
    shown = text(
        rb"BT /F1 12 Tf 72 700 Td [(Inter) -20 (est) -300 (rates)] TJ 0 -14 Td (rise \(again\)) Tj ET"
    )
    assert shown.split("\n") == ["", "Interest rates", "rise (again)"]


def test_hex_strings_and_octal_escapes_are_read():
    assert text(b"BT /F1 9 Tf <48656C6C6F> Tj (\\040w\\157rld) Tj ET").strip() == "Hello world"


def test_codes_of_two_bytes_are_read_by_the_fonts_own_map():
    font = b"<</Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 4 0 R>>"
    assert text(b"BT /F1 9 Tf <000300040005> Tj ET", font=font, objects=[stream(CMAP)]).strip() == "年费贺"


def test_named_glyphs_are_read():
    font = b"<</Type /Font /Subtype /Type1 /Encoding <</Differences [1 /R /a /t /e 9 /five /percent]>>>>"
    assert text(b"BT /F1 9 Tf (\x01\x02\x03\x04) Tj ( \\011\\012) Tj ET", font=font).strip() == "Rate 5%"


def test_text_of_a_form_is_read_once_however_often_it_is_drawn():
    form = stream(b"BT /F1 9 Tf (Stamp) Tj ET", b"/Subtype /Form")
    looping = stream(b"/X5 Do /X4 Do", b"/Subtype /Form")
    shown = text(b"/X4 Do /X4 Do BT /F1 9 Tf (Body) Tj ET /X5 Do", objects=[form, looping])
    assert shown.count("Stamp") == 1 and "Body" in shown


def test_pages_in_object_streams_are_found():
    packed = b"1 0 2 33 <</Type /Catalog /Pages 2 0 R>>   <</Type /Pages /Count 1 /Kids [5 0 R]>>"
    compressed = stream(packed, b"/Type /ObjStm /N 2 /First 9")
    page = b"<</Type /Page /Contents 6 0 R /Resources <</Font <</F1 3 0 R>>>>>>"
    bodies = {3: HELVETICA, 4: compressed, 5: page, 6: stream(b"BT /F1 9 Tf (Inside) Tj ET")}
    raw = (
        b"%PDF-1.5\n"
        + b"".join(b"%d 0 obj %s endobj\n" % item for item in bodies.items())
        + b"startxref\n0\n%%EOF"
    )
    seen = glance(raw)
    assert (seen.pages, seen.text.decode().strip()) == (1, "Inside")


def test_of_many_pages_some_are_read_and_the_share_is_told():
    seen = glance(pdf(*[b"BT /F1 9 Tf (Page of text) Tj ET"] * 50), limit=20 << 10)
    assert seen.pages == 50
    assert seen.share == pytest.approx(5 / 50)
    assert seen.text.count(b"Page of text") == 5


def test_of_a_long_file_both_ends_are_read_and_the_pages_between_them_are_counted():
    raw = pdf(*[b"BT /F1 9 Tf (Page of text) Tj ET"] * 20)
    place = raw.index(b"12 0 obj")
    gap = b"99 0 obj <</Subtype /Image>>\nstream\n" + bytes(5 << 20) + b"\nendstream endobj\n"
    seen = glance(raw[:place] + gap + raw[place:])
    assert (seen.pages, seen.share) == (20, 1.0)
    hidden = gap[: 3 << 20] + raw[place : place + 1500] + gap[3 << 20 :]
    seen = glance(raw[:place] + hidden + raw[place + 1500 :])
    assert seen.pages == 20 and 0.2 < seen.share < 0.9


def test_pages_that_the_page_tree_does_not_hold_are_no_pages():
    raw = pdf(b"BT /F1 9 Tf (Kept) Tj ET")
    orphan = (
        b"90 0 obj <</Type /Page /Contents 91 0 R>> endobj\n91 0 obj "
        + stream(b"BT (Gone) Tj ET")
        + b" endobj\n"
    )
    seen = glance(raw.replace(b"trailer", orphan + b"trailer"))
    assert seen.pages == 1 and b"Gone" not in seen.text


def test_a_scan_is_told_from_a_page_with_a_picture_and_from_a_blank_one():
    scan = glance(pdf(b"q 600 0 0 800 0 0 cm /X4 Do Q BT /F1 9 Tf (7) Tj ET", objects=[PICTURE]))
    assert scan.scanned
    words = b"BT /F1 9 Tf (A page with a picture and some words below it.) Tj ET /X4 Do"
    assert not glance(pdf(words, objects=[PICTURE])).scanned
    assert glance(pdf(b"0 0 m 9 9 l S")).scanned  # outlines in place of letters


def test_pages_that_cannot_be_unpacked_are_estimated():
    raw = pdf(b"BT ET", b"BT ET").replace(b"/FlateDecode", b"/LZWDecode  ")
    assert glance(raw).page_tokens == 2 * 500


def locked(owner, user):
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    made.multi_cell(0, None, "Plain words on this page. " * 20)
    made.set_encryption(owner, user, EncryptionMethod.RC4)
    return bytes(made.output())


def test_a_pdf_that_is_only_restricted_is_read_and_one_with_a_password_is_not():
    seen = glance(locked("owner", None))
    assert (seen.pages, seen.page_tokens) == (1, 500)
    with pytest.raises(ValueError, match="encrypted PDF"):
        glance(locked("owner", "secret"))


@pytest.mark.parametrize("raw", [b"<html>no pdf</html>", b"%PDF-1.7\n1 0 obj <</Type /Page>>"])
def test_damaged_files_are_refused_with_a_reason(raw):
    with pytest.raises(ValueError, match="damaged"):
        glance(raw)


@pytest.mark.parametrize(
    "piece",
    [b"(", b"(\\", b"((", b"(\\a(", b"<", b"<<", b"<<a<ab>", b"1", b"/a ", b"BT ", b"-999 ", b"BDC<<"],
)
def test_hostile_contents_cost_no_more_than_any_other(piece):
    """A quadratic search would take minutes for these and run into the test's time limit."""
    shown_text(piece * (200_000 // len(piece)), {}, lambda name: "")


@pytest.mark.parametrize(
    "piece", [b"1 0 obj ", b"1 0 obj<</Type/ObjStm/First 9 stream\n", b"1 0 obj <</Filter[", b"obj"]
)
def test_hostile_objects_cost_no_more_than_any_other(piece):
    dict(PdfObjects(b"%PDF-1.7" + piece * (2_000_000 // len(piece))).heads())


def test_a_map_that_unfolds_to_millions_of_codes_is_cut_short():
    font = b"<</Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 4 0 R>>"
    bomb = b"beginbfrange " + b"<0000> <ffff> <0000> " * 4000
    assert glance(pdf(b"BT /F1 9 Tf <0041> Tj ET", font=font, objects=[stream(bomb)])).pages == 1
