"""Scores of answers, worked out by hand, in English and Chinese."""

from __future__ import annotations

import pytest

from finetune.answer_scores import exact_match, rouge_l, token_f1, tokens


def test_words_are_tokens_and_so_are_characters_where_nothing_divides_words() -> None:
    assert tokens("Pay 30 EUR, now!") == ["pay", "30", "eur", "now"]
    assert tokens("退款期限为30天。") == ["退", "款", "期", "限", "为", "30", "天"]
    assert tokens("ＡＢＣ") == ["abc"]  # full-width letters are letters


def test_case_punctuation_and_articles_do_not_spoil_an_exact_match() -> None:
    assert exact_match("The refund takes 30 days.", "refund takes 30 days") == 1
    assert exact_match("30 days", "13 days") == 0
    assert exact_match("三十天。", "三十天") == 1
    assert (exact_match("+", "+"), exact_match("+", "-")) == (1, 0)
    assert exact_match("Blue.", "") == token_f1("Blue.", "") == rouge_l("Blue.", "") == 0


def test_token_f1_counts_what_both_have() -> None:
    # wanted {red, car}, given {red, red, bus}: one in common; 2·1 / (2 + 3)
    assert token_f1("a red car", "red red bus") == pytest.approx(2 / 5)
    # 四 of 三十天 and 三天: 三 and 天; 2·2 / (3 + 2)
    assert token_f1("三十天", "三天") == pytest.approx(4 / 5)


def test_rouge_l_minds_the_order() -> None:
    # "the cat sat" in "the sat cat": the longest common subsequence is two words; 2·2 / (3 + 3)
    assert rouge_l("the cat sat", "the sat cat") == pytest.approx(4 / 6)
    assert token_f1("one two three", "three two one") == 1
    assert rouge_l("one two three", "three two one") == pytest.approx(2 / 6)
    # 股价上涨 and 股价大涨: 股, 价, 涨; 2·3 / (4 + 4)
    assert rouge_l("股价上涨", "股价大涨") == pytest.approx(6 / 8)
