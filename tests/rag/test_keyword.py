from __future__ import annotations

import math
from pathlib import Path

import pytest

from rag.keyword import (
    build_keyword,
    index_terms,
    keyword_scores,
    load_keyword,
    save_keyword,
    tokenize,
    word_rarity,
)


def test_english_words_are_stemmed_and_stop_words_dropped() -> None:
    assert tokenize("The Refunds were running at 1,200.50 euros") == ["refund", "run", "1200.50", "euro"]


def test_chinese_is_cut_into_words_not_clauses() -> None:
    found = tokenize("公司2024年营业收入是多少？Revenue增长")
    assert {"公司", "2024", "营业", "收入", "revenu", "增长"} <= set(found)


def test_chinese_that_the_dictionary_cuts_apart_is_still_found() -> None:
    assert "份制" in index_terms("股份制银行") and "份制" not in tokenize("股份制银行")
    index = build_keyword(["灵江泵业股份公司", "营业收入增长"])
    assert keyword_scores(index, "江泵").tolist()[0] > 0


def test_a_saved_index_scores_as_before_and_holds_no_pickle(tmp_path: Path) -> None:
    index = build_keyword(["refund within days", "travel allowance", "营业收入增长"])
    save_keyword(index, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}
    again = load_keyword(tmp_path)
    for query in ("refunds", "收入", "nothing known"):
        assert keyword_scores(again, query).tolist() == keyword_scores(index, query).tolist()
    assert keyword_scores(again, "收入").argmax() == 2
    assert not keyword_scores(again, "nothing known").any()


def test_a_word_is_rarer_the_fewer_texts_hold_it() -> None:
    index = build_keyword(["refund fee", "fee note", "fee 收入", "other"])
    rarity = [word_rarity(index, word, 4) for word in ("fee", "refund", "nowhere")]
    assert rarity == sorted(rarity) and len(set(rarity)) == 3
    assert word_rarity(index, "fee", 4) == pytest.approx(math.log(1 + 1.5 / 3.5))
    assert word_rarity(None, "fee", 0) == pytest.approx(math.log(2))


def test_texts_without_words_and_no_texts_are_no_error(tmp_path: Path) -> None:
    assert keyword_scores(build_keyword(["---", "..."]), "word").tolist() == [0.0, 0.0]
    save_keyword(build_keyword([]), tmp_path)
    assert keyword_scores(load_keyword(tmp_path), "word").tolist() == []
