"""Text of documents on a page: highlighted where it is quoted, escaped everywhere."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from apps.ui.passages import AROUND, answer_html, note_html, passage_html, passage_of, passages, plain
from rag.inert import visible
from rag.schema import Citation, Document

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
TEXT = "word " * 200 + "The window is thirty days." + " more" * 200
QUOTE = "The window is thirty days."


class Tags(HTMLParser):
    """The tags and the text that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text, self.marked, self._depth = "", "", 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self._depth += tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        self.marked += data if self._depth else ""


def cited(text: str, quote: str, number: int = 1) -> Citation:
    start = text.index(quote)
    return Citation(
        number=number, claim=quote, quote=quote, source="a.md", start=start, end=start + len(quote)
    )


def test_the_quote_is_highlighted_in_its_surroundings() -> None:
    passage = passage_of(Document(text=TEXT, source="a.md"), [cited(TEXT, QUOTE)])
    seen = Tags(passage_html(passage))
    assert seen.marked == QUOTE
    assert seen.text.startswith("… word ") and seen.text.endswith(" more …")
    assert len(seen.text) < len(QUOTE) + 2 * AROUND + 50


def test_a_short_document_is_shown_whole() -> None:
    passage = passage_of(Document(text=QUOTE, source="a.md"), [cited(QUOTE, QUOTE)])
    assert Tags(passage_html(passage)).text == QUOTE


def test_quotes_of_one_passage_that_overlap_are_each_highlighted_once() -> None:
    text = "One two three four."
    passage = passage_of(
        Document(text=text, source="a.md"), [cited(text, "two three"), cited(text, "three four")]
    )
    seen = Tags(passage_html(passage))
    assert (seen.text, seen.marked) == (text, "two three four")


def test_citations_are_grouped_by_their_number_in_the_order_of_the_answer() -> None:
    text = "One. Two. Three."
    found = passages([cited(text, "Two.", 2), cited(text, "One."), cited(text, "Three.", 2)],
                     {"a.md": Document(text=text, source="a.md")})  # fmt: skip
    assert [(passage.number, len(passage.spans)) for passage in found] == [(2, 2), (1, 1)]


def test_no_tag_of_a_document_becomes_a_tag_of_the_page() -> None:
    text = f"{EVIL} {QUOTE} {EVIL}"
    passage = passage_of(Document(text=text, source="a.md"), [cited(text, QUOTE)])
    assert Tags(passage_html(passage)).tags == {"div", "mark"}
    assert Tags(answer_html(f"{EVIL} [1]")).tags == {"div", "span"}
    assert Tags(note_html(EVIL)).tags == {"div"}


def test_marks_of_an_answer_are_drawn_as_numbers() -> None:
    assert Tags(answer_html("Thirty days. [1][12]")).text == "Thirty days.112"


@given(st.text())
def test_an_answer_is_shown_as_it_was_written_but_for_what_is_not_drawn(text: str) -> None:
    shown = Tags(answer_html(text.replace("[", "(")))
    assert shown.text == visible(text.replace("[", "(")) and shown.tags <= {"div"}


def test_letters_that_reorder_or_hide_text_do_not_reach_the_page() -> None:
    hidden = "The window is\u202e thirty\u2066\u200b days.\U000e0041"
    passage = passage_of(Document(text=hidden, source="a.md"), [cited(hidden, "thirty")])
    assert Tags(passage_html(passage)).text == "The window is thirty days."
    assert plain("a\u202eb\x1b[31m") == r"ab\[31m"


def test_plain_text_means_nothing_in_markdown() -> None:
    assert plain("![x](http://evil)\n# *a* $5") == r"\!\[x\]\(http\:\/\/evil\) \# \*a\* \$5".replace(
        r"\/", "/"
    )
