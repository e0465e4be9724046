import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.answer_support import Asked, answers_in_documents
from advisor.passages import Passages
from advisor.plain_words import loose_words, plain, stands_in, tokens, words

FILLER = [first + last for first in ("ban", "cre", "fun", "lim", "pol", "rat", "sec", "tru") for last in
          ("king", "dit", "ding", "its", "icy", "ing", "tor", "st", "ner", "mal", "vel", "dor")]  # fmt: skip


def report(seed, *facts, length=150):
    rng = random.Random(seed)
    said = rng.choices(FILLER, k=length)
    for fact in facts:
        said.insert(rng.randrange(length), f"{fact}.")
    return " ".join(said)


FACTS = {
    "north.txt": "The Northgate warehouse employs 1,240 people",
    "south.txt": "The Southport smelter closed on 4 March 2019 after the flood of the lower halls",
    "zh.txt": "临江工厂的储能变流器收入为１４７．４百万元",
}
DOCUMENTS = {name: report(name, fact) for name, fact in FACTS.items()}
DOCUMENTS |= {f"other{number}.txt": report(number, f"Line {number} was shut") for number in range(20)}
KNOWN = [
    Asked("How many people work at the Northgate warehouse?", "1240", "", "north.txt"),
    Asked("When did the Southport smelter close?", "4 March 2019"),
    Asked(
        "Why did Southport close?",
        "After the flood of the lower halls the Southport smelter closed in March 2019",
    ),
    Asked("临江工厂的储能变流器收入是多少？", "147.4百万元", "", "docs/zh.txt"),
]


def test_answers_are_found_whatever_their_digits_case_and_wording():
    assert answers_in_documents(KNOWN, DOCUMENTS) == (1.0, 4)


def test_answers_to_other_documents_are_not_found():
    foreign = [
        Asked("Who wrote the opera?", "Leonora Castellane"),
        Asked("What is it about?", "A widow who sells her vineyard to pay for the education of her nephew"),
        Asked("谁写了这部歌剧？", "一位住在海边小镇的年轻作曲家"),
    ]
    assert answers_in_documents(foreign, DOCUMENTS) == (0.0, 3)


def test_a_quote_stands_for_an_answer_in_other_words():
    row = Asked("Headcount?", "More than a thousand", "Northgate warehouse employs 1,240", "north.txt")
    assert answers_in_documents([row], DOCUMENTS) == (1.0, 1)


def test_short_answers_that_stand_everywhere_tell_nothing():
    yes = {name: f"{text} Yes, it is due, and yes, it is paid." for name, text in DOCUMENTS.items()}
    rows = [Asked(f"Is fee {number} due?", "Yes", "", name) for number, name in enumerate(yes)]
    assert answers_in_documents(rows, yes) == (None, 0)


def test_short_answers_elsewhere_than_the_question_points_to_do_not_count():
    rows = [
        Asked(f"How high is the levy on item {number}?", f"Line {number}", "", "north.txt")
        for number in range(9)
    ]
    share, checked = answers_in_documents(rows, DOCUMENTS)
    assert (share, checked) == (0.0, 9)


def test_rows_whose_source_was_not_read_are_left_out():
    assert answers_in_documents([Asked("Fee?", "1.2 percent", "", "unread.pdf")], DOCUMENTS) == (None, 0)
    assert answers_in_documents([Asked("Fee?", " ")], DOCUMENTS) == (None, 0)


def test_where_a_part_of_the_documents_was_read_the_share_is_that_much_higher():
    rows = [
        Asked(f"What of point {n}?", f"Agreed {n} word {n * 7} of {n * 11} halls with {n * 13} doors")
        for n in range(40)
    ]
    half = {f"{n}.txt": f"{report(n, length=60)} {rows[n].answer}." for n in range(0, 40, 2)}
    assert answers_in_documents(rows, half)[0] == pytest.approx(0.5, abs=0.1)
    assert answers_in_documents(rows, half, read_share=0.5)[0] == pytest.approx(1.0, abs=0.1)
    assert answers_in_documents(rows, half, read_share=0.1) == (None, 0)


@settings(max_examples=8, derandomize=True, deadline=None)
@given(st.permutations(KNOWN), st.permutations(sorted(DOCUMENTS)))
def test_the_order_of_rows_and_documents_is_irrelevant(rows, names):
    assert answers_in_documents(rows, {name: DOCUMENTS[name] for name in names}) == (1.0, 4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,234.50", "1234.5"),
        ("１２３４．５", "1234.5"),
        ("REFUND", "refund"),
        ("10.9%", "10.9 %"),
        ("2,000", "2000"),
    ],
)
def test_texts_are_compared_in_one_form(one, other):
    assert plain(one) == plain(other)


def test_decimal_commas_and_versions_stay_as_they_are():
    assert tokens("12,5 and v1.2.30") == ["12,5", "and", "v", "1.2.30"]


@pytest.mark.parametrize(
    ("needle", "text", "stands"),
    [("5", "15 and 25", False), ("5", "15 and 5", True), ("no", "not now", False), ("no", "say no", True),
     ("年费", "本年费率", True), ("12", "收入12亿", True), ("12", "收入312亿", False), ("", "any", False)],
)  # fmt: skip
def test_a_word_or_number_stands_only_whole(needle, text, stands):
    assert stands_in(plain(needle), plain(text)) is stands


def test_chinese_is_taken_in_pairs_and_spaces_within_it_do_not_matter():
    assert words("年费率") == ["年费", "费率"]
    assert plain("年费 率 为 1.2") == "年费率为1.2"
    assert loose_words("年费率 2024A") == {"年费", "费率", "2024a"}


def test_the_passage_with_the_telling_words_is_found_first():
    passages = Passages(DOCUMENTS, loose_words(FACTS["south.txt"]))
    best = passages.best("When did the Southport smelter close?", 1, 0)
    assert best[0].document == "south.txt"
    assert passages.weight("smelter") > passages.weight("the")
