import pytest

from rag.citations import cite
from rag.schema import Chunk, Hit

TEXT = "Revenue rose to 412 million euros in 2024. Margins fell. 研发费用为 32.4 万元。"


def hits(*texts: str) -> list[Hit]:
    return [
        Hit(
            chunk=Chunk(source=f"{n}.md", text=text, start=100, end=100 + len(text), page=n),
            score=1,
            rank=n,
        )
        for n, text in enumerate(texts, 1)
    ]


def test_a_verbatim_sentence_is_cited_where_it_stands() -> None:
    found = cite("Margins fell. [1]", hits(TEXT))
    (citation,) = found.citations
    assert citation.quote == "Margins fell."
    assert TEXT[citation.start - 100 : citation.end - 100] == citation.quote
    assert (citation.source, citation.page, citation.support) == ("1.md", 1, 1.0)
    assert found.text == "Margins fell. [1]"


def test_a_paraphrase_is_traced_to_the_sentence_that_supports_it() -> None:
    (citation,) = cite("In 2024 revenue rose to 412 million euros. [1]", hits(TEXT)).citations
    assert citation.quote == "Revenue rose to 412 million euros in 2024."


def test_a_wrong_number_loses_its_citation() -> None:
    found = cite("Revenue rose to 512 million euros in 2024. [1]", hits(TEXT))
    assert found.citations == ()
    assert found.text == "Revenue rose to 512 million euros in 2024."
    assert found.unsupported == ("Revenue rose to 512 million euros in 2024.",)


@pytest.mark.parametrize("mark", ["[7]", "[0]", "[1, 9]", "【12】"])
def test_a_source_that_does_not_exist_is_removed(mark: str) -> None:
    found = cite(f"Nobody said this at all {mark}", hits(TEXT))
    assert found.citations == ()
    assert not any(character.isdigit() for character in found.text)


def test_each_mark_of_a_sentence_is_checked_by_itself() -> None:
    found = cite("Margins fell. [1][2]", hits(TEXT, "Nothing of the kind."))
    assert [citation.source for citation in found.citations] == ["1.md"]
    assert found.text == "Margins fell. [1]"


def test_chinese_sentences_are_cited_too() -> None:
    (citation,) = cite("研发费用为 32.4 万元。【1】", hits(TEXT)).citations
    assert citation.quote == "研发费用为 32.4 万元。"


def test_text_after_the_last_mark_is_kept() -> None:
    assert cite("Margins fell. [1] Ask again.", hits(TEXT)).text == "Margins fell. [1] Ask again."


def test_a_mark_within_a_sentence_covers_what_stands_before_it() -> None:
    found = cite("Margins fell [1] and revenue rose to 512 million euros in 2024 [1].", hits(TEXT))
    assert [citation.claim for citation in found.citations] == ["Margins fell"]
    assert found.unsupported == ("and revenue rose to 512 million euros in 2024.",)


def test_a_mark_before_the_claim_covers_the_sentence() -> None:
    found = cite("According to [1], revenue rose to 412 million euros in 2024.", hits(TEXT))
    assert found.citations[0].quote == "Revenue rose to 412 million euros in 2024."
    assert found.text == "According to [1], revenue rose to 412 million euros in 2024."


def test_sentences_without_a_mark_ride_on_the_next_one_of_their_paragraph() -> None:
    found = cite("Revenue rose to 412 million euros in 2024. Margins fell. [1]", hits(TEXT))
    assert [citation.quote for citation in found.citations] == [
        "Revenue rose to 412 million euros in 2024.",
        "Margins fell.",
    ]
    assert found.uncited == ()


def test_a_sentence_that_names_no_source_and_has_none_is_reported() -> None:
    found = cite("Margins fell. [1]\n\nThe board was dismissed in May.\n\nWhat else?", hits(TEXT))
    assert found.uncited == ("The board was dismissed in May.",)
    assert found.unsupported == ()


def test_code_is_neither_searched_for_marks_nor_asked_for_sources() -> None:
    text = "Margins fell. [1]\n\n```\nvalue = items[2] + items[3]\n```"
    found = cite(text, hits(TEXT))
    assert found.text == text
    assert found.uncited == ()


def test_footnotes_of_a_quoted_document_are_no_marks_of_the_answer() -> None:
    found = cite("The river is five miles long.[3] [1]", hits("The river is five miles long.[3] It is deep."))
    assert found.text == "The river is five miles long. [1]"
    assert found.unsupported == ()


@pytest.mark.parametrize("quoted", ["Vectors are stable [37] . [1]", "Vectors [4, 9] are stable [37]. [1]"])
def test_a_quoted_footnote_does_not_take_the_citation_from_its_sentence(quoted: str) -> None:
    source = quoted.removesuffix(" [1]") + " They are grown in cells [2] ."
    found = cite(quoted, hits(source))
    assert {citation.quote for citation in found.citations} == {quoted.removesuffix(" [1]")}
    assert [number for number in ("[37]", "[4, 9]") if number in found.text] == []
    assert found.text.count("[1]") == 1
    assert (found.unsupported, found.uncited) == ((), ())


def test_a_footnote_alone_vouches_for_nothing() -> None:
    found = cite("Vectors are stable [37] .", hits("We know that vectors are stable [37] . Not so cells."))
    assert (found.citations, found.text) == ((), "Vectors are stable .")
    assert found.uncited == ("Vectors are stable .",)


def test_marks_on_both_sides_of_a_full_stop_are_those_of_one_claim() -> None:
    found = cite("Margins fell [2]. [1]", hits(TEXT, "Margins fell."))
    assert [citation.source for citation in found.citations] == ["2.md", "1.md"]


def test_a_paraphrase_is_supported_by_its_meaning_but_not_against_its_numbers() -> None:
    said = ("Turnover climbed to 412 million. [1]", "Turnover climbed to 512 million. [1]")
    found = [cite(text, hits(TEXT), similarity=lambda claim, quotes: [0.8] * len(quotes)) for text in said]
    assert [len(one.citations) for one in found] == [1, 0]


def test_what_is_not_drawn_does_not_part_a_claim_from_its_source() -> None:
    hidden = "Rev\u200benue rose to 412\u2060 million euros."
    (citation,) = cite("Revenue rose to 412 million euros. [1]", hits(hidden)).citations
    assert hidden[citation.start - 100 : citation.end - 100] == citation.quote == hidden


@pytest.mark.parametrize(
    "text", ["[1] Margins fell.", "Margins fell.\n[1]", "- Margins fell [1]", "Margins fell.¹"]
)
def test_a_mark_is_kept_wherever_it_stood(text: str) -> None:
    found = cite(text, hits(TEXT))
    assert len(found.citations) == 1
    assert "[1]" in found.text
    assert (found.unsupported, found.uncited) == ((), ())
