import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.near_duplicates import count_near_duplicates, sketch

STEMS = (
    "credit",
    "deposit",
    "interest",
    "market",
    "rating",
    "branch",
    "policy",
    "client",
    "report",
    "margin",
    "audit",
)
WORDS = [
    stem + ending for stem in STEMS for ending in ("", "s", "ing", "ed", "ly", "or", "al", "ness", "ment")
]
ZH = "本行基金贷款费率客户报告市场信用支行订单政策限额资产债券价格年度的，的，的，"


def article(seed, length=220, words=WORDS):
    rng = random.Random(seed)
    return ("" if words is ZH else " ").join(rng.choices(words, k=length))


def edited(text, share, seed=1):
    rng, words = random.Random(seed), text.split(" ")
    for place in rng.sample(range(len(words)), int(share * len(words))):
        words[place] = "changed"
    return " ".join(words)


def count(*texts):
    return count_near_duplicates([sketch(text.encode()) for text in texts])


def test_different_texts_are_no_duplicates():
    assert count(*(article(seed) for seed in range(40))) == 0
    assert count(*(article(seed, words=ZH) for seed in range(40))) == 0


def test_a_copy_with_a_few_other_words_is_one_whatever_its_case_and_line_breaks():
    text = article(1)
    assert count(text, edited(text, 0.01), article(2)) == 1
    assert count(text, text.upper().replace(" ", "\n"), article(2)) == 1
    assert count(text, "Printed for the audit; internal use only.\n\n" + text, article(2)) == 1


def test_a_chinese_copy_with_another_heading_is_one():
    text = article(1, 500, ZH)
    assert count(text, "二〇二五年修订版\n" + text, article(2, 500, ZH)) == 1


def test_a_text_that_was_rewritten_by_a_fifth_is_none():
    assert count(article(1), edited(article(1), 0.2)) == 0


def test_of_each_group_all_but_one_are_counted():
    copies = [edited(article(1), 0.01, seed) for seed in range(5)]
    assert count(*copies, *(article(seed) for seed in range(2, 30))) == 4
    assert count(*[article(1)] * 3, *[article(2)] * 2) == 3


def test_letters_that_share_a_form_are_no_duplicates():
    form = article(1, 200)
    letters = [f"{form} {article(seed, 40)}" for seed in range(10, 40)]
    assert count(*letters) == 0


def test_texts_too_short_to_compare_count_when_they_are_the_same():
    assert count("Closed on Monday.", "closed on  monday.", "Closed on Tuesday.") == 1


def test_tables_of_numbers_are_told_apart():
    rng = random.Random(3)
    tables = ["\n".join(f"{n},{rng.randint(1000, 9999)},{rng.random():.3f}" for n in range(80)) for _ in "ab"]
    assert count(*tables) == 0
    assert count(tables[0], tables[0] + "\n80,1111,0.5") == 1


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_documents_is_irrelevant(order):
    texts = [
        article(number // 2) if number % 2 else edited(article(number // 2), 0.01) for number in range(12)
    ]
    assert count(*(texts[number] for number in order)) == pytest.approx(6)
