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
