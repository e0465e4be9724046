import pytest

from advisor.tokens import CJK_PER_TOKEN, LETTER_BYTES_PER_TOKEN, Letters, count_letters


def test_letters_digits_and_punctuation_are_counted_apart():
    counted = count_letters(b"Fee: 12.5 percent")
    assert (counted.latin, counted.marks, counted.cjk) == (10, 5, 0)
    assert counted.tokens == pytest.approx(10 / LETTER_BYTES_PER_TOKEN + 5)


def test_a_chinese_character_is_counted_once_and_full_width_punctuation_as_a_mark():
    counted = count_letters("年费率，１２".encode())
    assert (counted.latin, counted.marks, counted.cjk) == (0, 3, 3)
    assert counted.tokens == pytest.approx(3 / CJK_PER_TOKEN + 3)


def test_white_space_costs_nothing():
    assert count_letters(b"a  b\n\n\t c").tokens == count_letters(b"abc").tokens


def test_texts_add_up():
    texts = ["Rates rise. ", "利率上升。", "42 %"]
    together = count_letters("".join(texts).encode())
    assert sum((count_letters(text.encode()) for text in texts), Letters()) == together


def test_digits_belong_to_no_language():
    assert count_letters("利率 2024 2025".encode()).cjk_share == 1.0
    assert Letters().cjk_share == 0.0
