from __future__ import annotations

from rag.words import index_terms, tokenize


def test_english_words_are_stemmed_and_stop_words_dropped() -> None:
    assert tokenize("The Refunds were running at 1,200.50 euros") == ["refund", "run", "1200.50", "euro"]


def test_chinese_is_cut_into_words_not_clauses() -> None:
    found = tokenize("公司2024年营业收入是多少？Revenue增长")
    assert {"公司", "2024", "营业", "收入", "revenu", "增长"} <= set(found)


def test_chinese_that_the_dictionary_cuts_apart_is_still_found() -> None:
    assert "份制" in index_terms("股份制银行") and "份制" not in tokenize("股份制银行")
