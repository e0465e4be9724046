from collections.abc import Sequence

import numpy as np
import pytest

from rag.alignment import AlignedReader
from rag.evidence import Evidence
from rag.schema import Chunk, Hit


def hit(text: str, *, heading: str = "", dense: float | None = None, **metadata: str) -> Hit:
    chunk = Chunk(source="a.md", text=text, start=50, end=50 + len(text), heading=heading, metadata=metadata)
    return Hit(chunk=chunk, score=1.0, rank=1, dense_score=dense)


def read(question: str, *hits: Hit, known: Sequence[str] = ()) -> Evidence:
    return AlignedReader(lambda word: 1.0 if word in known else 4.0).read(question, hits)


def test_the_sentence_that_meets_the_question_comes_first() -> None:
    text = "The shop opens at nine. Refunds take thirty days. Parking is free."
    best = read("How long do refunds take?", hit(text)).passages[0]
    assert best.text == "Refunds take thirty days."
    assert text[best.start - 50 : best.end - 50] == best.text


def test_a_rare_word_that_nothing_holds_leads_to_refusal() -> None:
    evidence = read("Which airline serves the shop?", hit("The shop opens at nine."), known=["shop"])
    assert not evidence.suffices()
    assert evidence.suffices(threshold=0.0)


def test_words_that_only_ask_do_not_count() -> None:
    evidence = read("How much is the entrance fee?", hit("The entrance fee is 4 crowns."))
    assert evidence.score == pytest.approx(1.0)


def test_another_year_counts_less_than_the_year_in_the_heading() -> None:
    asked = "What was the revenue in 2024?"
    right = read(asked, hit("The revenue was 5 million. In 2023 it was 4.", heading="Report 2024")).score
    wrong = read(asked, hit("The revenue was 5 million. In 2023 it was 4.", heading="Report 2022")).score
    assert wrong < 0.8 * right


def test_a_chinese_word_is_met_in_part_by_its_characters() -> None:
    partly = read("差旅费报销", hit("费用在三十天内报销。")).score
    assert 0 < read("差旅费报销", hit("天气很好。")).score + 0.2 < partly < 1


def test_headings_and_questions_of_a_faq_are_no_answers() -> None:
    evidence = read(
        "Are dogs allowed?",
        hit("Dogs\nHouse rules\nAre dogs allowed?\nDogs stay outside.", heading="FAQ > Dogs"),
    )
    assert [passage.text for passage in evidence.passages] == ["Dogs stay outside."]


class Synonyms:
    """Token vectors in which 'car' and 'automobile' are one direction and every other word its own."""

    def unknown_share(self, text: str) -> float:
        return 1.0 if "？" in text else 0.0

    def token_vectors(self, text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
        words, spans, at = text.lower().rstrip("?.").split(" "), [], 0
        for word in words:
            spans.append((at, at + len(word)))
            at += len(word) + 1
        names = ["car" if word == "automobile" else word for word in words]
        vectors = [np.eye(512)[sum(map(ord, name)) % 512] for name in names]
        return np.array(vectors), spans


def test_a_word_alike_in_meaning_is_met() -> None:
    hits = [hit("and then my automobile broke", dense=0.5)]
    aligned = AlignedReader(lambda word: 4.0, Synonyms()).read("car broke", hits)
    plain = AlignedReader(lambda word: 4.0).read("car broke", hits)
    assert aligned.score == pytest.approx(2 / 3 * 1.0 + 1 / 3 * 0.5)
    assert plain.score == pytest.approx(0.5)


def test_a_question_that_the_embedder_cannot_read_is_judged_by_words_alone() -> None:
    reader = AlignedReader(lambda word: 4.0, Synonyms())
    assert reader.read("退款期限？", [hit("退款期限为三十天。", dense=0.9)]).score == pytest.approx(1.0)


def test_quotes_are_the_best_and_those_nearly_as_good_that_differ() -> None:
    evidence = read(
        "refund window", hit("The refund window is long. Refund window. The refund window ends. Cats.")
    )
    texts = [passage.text for passage in evidence.best()]
    assert texts[0] == "The refund window is long."
    assert "Cats." not in texts
    assert len(texts) <= 3


def test_without_hits_nothing_suffices() -> None:
    assert not read("Anything?").suffices(threshold=0.0)
