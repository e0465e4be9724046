from collections.abc import Sequence

import numpy as np
import pytest

from rag.evidence import Evidence, Passage
from rag.reader import AlignedReader
from rag.refusal import Judge
from rag.schema import Chunk, Hit


def hit(text: str, *, heading: str = "", dense: float | None = None, **metadata: str) -> Hit:
    chunk = Chunk(source="a.md", text=text, start=50, end=50 + len(text), heading=heading, metadata=metadata)
    return Hit(chunk=chunk, score=1.0, rank=1, dense_score=dense)


def read(question: str, *hits: Hit, known: Sequence[str] = ()) -> Evidence:
    return AlignedReader(lambda word: 1.0 if word in known else 4.0).read(question, hits)


def feature(name: str, reader: AlignedReader, question: str, *hits: Hit) -> float:
    """The greatest over the sentences."""
    _, found = reader.features(question, hits)
    return max(float(features[name].max()) for _, _, features in found)


def met(question: str, *hits: Hit) -> float:
    return feature("met", AlignedReader(lambda word: 4.0), question, *hits)


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
    assert met("How much is the entrance fee?", hit("The entrance fee is 4 crowns.")) == pytest.approx(1.0)


def test_another_year_counts_less_than_the_year_in_the_heading() -> None:
    asked = "What was the revenue in 2024?"
    right = read(asked, hit("The revenue was 5 million. In 2023 it was 4.", heading="Report 2024")).score
    wrong = read(asked, hit("The revenue was 5 million. In 2023 it was 4.", heading="Report 2022")).score
    assert wrong < 0.8 * right


def test_a_chinese_word_is_met_in_part_by_its_characters() -> None:
    partly = met("差旅费报销", hit("费用在三十天内报销。"))
    assert met("差旅费报销", hit("天气很好。")) + 0.2 < partly < 1


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
    car = hit("and then my automobile broke")
    aligned = AlignedReader(lambda word: 4.0, Synonyms())
    assert feature("met", aligned, "car broke", car) == pytest.approx(1.0)
    assert met("car broke", car) == pytest.approx(0.5)


def test_a_sentence_near_in_meaning_scores_more_than_one_that_is_not() -> None:
    aligned = AlignedReader(lambda word: 4.0, Synonyms())
    near = feature("near", aligned, "car broke", hit("and then my automobile broke"))
    assert near > 0.5 > feature("near", aligned, "car broke", hit("many birds sing at dawn"))


def test_a_question_that_the_embedder_cannot_read_is_judged_by_words_alone() -> None:
    reader = AlignedReader(lambda word: 4.0, Synonyms())
    name, found = reader.features("退款期限？", [hit("退款期限为三十天。")])
    assert name == "lexical"
    assert found[0][2]["near"].max() == 0.0


def test_the_threshold_is_that_of_the_judge_for_the_language() -> None:
    judge = {"intercept": 0.0, "hopeless": 0.1, "weights": {"met": 1.0}}
    judges = {"aligned": Judge(threshold=0.3, **judge), "lexical": Judge(threshold=0.7, **judge)}
    reader = AlignedReader(lambda word: 4.0, Synonyms(), judges)
    assert reader.read("car broke", [hit("car broke")]).threshold == 0.3
    assert reader.read("退款期限？", [hit("退款期限为三十天。")]).threshold == 0.7


SENTENCES = [
    "The lighthouse keeper paints the railing every second spring.",
    "Orders above forty crowns are delivered without a charge.",
    "访客停车两小时以内不收费用。",
    "仓库每周五下午盘点库存。",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_question_copied_from_a_sentence_is_answered(sentence: str) -> None:
    assert read(sentence, hit("Something else. " + sentence)).suffices()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_further_hit_never_lowers_the_score(sentence: str) -> None:
    others = [hit("The railing is green."), hit("仓库在河边。"), hit(sentence)]
    scores = [read(sentence, *others[:count]).score for count in (1, 2, 3)]
    assert scores == sorted(scores)


def test_an_absent_name_is_refused_though_the_rest_is_met() -> None:
    known = ["open", "museum", "saturday"]
    text = hit("The museum is open on Saturday.")
    assert read("Is the museum open on Saturday?", text, known=known).suffices()
    assert not read("Is the Zwickelberg planetarium open on Saturday?", text, known=known).suffices()


def test_quotes_are_the_best_and_those_nearly_as_good_that_differ() -> None:
    evidence = read(
        "refund window", hit("The refund window is long. Refund window. The refund window ends. Cats.")
    )
    texts = [passage.text for passage in evidence.best()]
    assert texts[0] == "The refund window is long."
    assert "Cats." not in texts
    assert len(texts) <= 3


def passage(text: str, score: float, *, number: int = 1, start: int = 0) -> Passage:
    return Passage(number=number, hit=hit(text), text=text, start=start, end=start + len(text), score=score)


def quoted(*passages: Passage) -> list[str]:
    return [found.text for found in Evidence(passages=passages, threshold=0.5).best()]


def test_the_same_sentence_from_overlapping_chunks_is_quoted_once() -> None:
    assert quoted(passage("It opens at  nine.", 0.9), passage("It opens at nine.", 0.9, number=2)) == [
        "It opens at  nine."
    ]


def test_versions_that_tell_the_same_are_quoted_once_and_those_that_differ_twice() -> None:
    text = "Members of the sailing club may return any rope that they bought within {} days of the day of delivery."
    same = (
        passage(text.format(30), 0.9),
        passage(text.format(30).replace("they bought", "they had bought"), 0.9, number=2),
    )
    other = passage(text.format(30), 0.9), passage(text.format(14), 0.9, number=2)
    assert len(quoted(*same)) == 1
    assert len(quoted(*other)) == 2


def test_sentences_of_one_hit_are_quoted_in_the_order_of_their_source() -> None:
    later, other, earlier = (
        passage("C.", 0.9, start=40),
        passage("B.", 0.88, number=2),
        passage("A.", 0.87, start=3),
    )
    assert quoted(later, other, earlier) == ["A.", "C.", "B."]


def test_a_sentence_whose_odds_are_far_below_the_best_is_not_quoted() -> None:
    assert quoted(passage("A.", 0.9), passage("B.", 0.7), passage("C.", 0.6)) == ["A.", "B."]


def test_without_hits_nothing_suffices() -> None:
    assert not read("Anything?").suffices(threshold=0.0)
