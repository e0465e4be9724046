from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.keyword import DELTA, K1, B, KeywordIndex, build_keyword, load_keyword, save_keyword
from rag.words import index_terms

WORDS = st.sampled_from(["refund", "fee", "note", "travel", "gold", "收", "rent", "2024"])
CHUNKS = st.lists(st.lists(WORDS, max_size=7), max_size=14)


def of(*texts: str) -> KeywordIndex:
    return build_keyword(map(index_terms, texts))


def brute_force(chunks: list[list[str]], query: list[str]) -> list[float]:
    """BM25+ written out from its definition (Lv and Zhai 2011, with Lucene's idf)."""
    mean = sum(map(len, chunks)) / len(chunks) if any(chunks) else 1.0
    scores = [0.0] * len(chunks)
    for word in query:
        holding = sum(word in chunk for chunk in chunks)
        idf = math.log(1 + (len(chunks) - holding + 0.5) / (holding + 0.5))
        for at, chunk in enumerate(chunks):
            often = chunk.count(word)
            delta = DELTA if often and word != "收" else 0.0
            scores[at] += idf * (often / (often + K1 * (1 - B + B * len(chunk) / mean)) + delta)
    return scores


@settings(deadline=None)
@given(CHUNKS, st.lists(WORDS, max_size=5), st.integers(0, 15), st.sets(st.integers(0, 13)))
def test_top_is_what_comparing_every_chunk_gives(
    chunks: list[list[str]], query: list[str], depth: int, some: set[int]
) -> None:
    index, expected = build_keyword(chunks), brute_force(chunks, query)
    asked = " ".join(query)
    scores = index.scores_at(asked, np.arange(len(chunks)))
    assert scores.tolist() == pytest.approx(expected, rel=1e-5)
    for allowed in (None, sorted(at for at in some if at < len(chunks))):
        within = range(len(chunks)) if allowed is None else allowed
        order = sorted((at for at in within if scores[at] > 0), key=lambda at: (-scores[at], at))[:depth]
        found = index.top(asked, depth, None if allowed is None else np.array(allowed, dtype=np.int64))
        assert found == [(at, float(scores[at])) for at in order]


def test_equal_scores_stand_in_the_order_of_positions() -> None:
    index = of(*["refund fee"] * 50)
    assert [position for position, _ in index.top("refund", 5)] == [0, 1, 2, 3, 4]


def test_the_filter_comes_before_the_ranking() -> None:
    index = of("refund refund refund", "refund and a fee", "rent")
    assert [at for at, _ in index.top("refund", 1, np.array([2, 1]))] == [1]
    assert index.top("refund", 3, np.array([], dtype=np.int64)) == []


def test_a_word_said_twice_in_the_query_counts_twice() -> None:
    index = of("refund fee", "rent")
    once, twice = (index.scores_at(query, [0])[0] for query in ("refund", "refund refund"))
    assert twice == pytest.approx(2 * once)


def test_chinese_that_the_dictionary_cuts_apart_is_found() -> None:
    assert [at for at, _ in of("灵江泵业股份公司", "营业收入增长").top("江泵", 5)] == [0]


def test_a_saved_index_scores_as_before_and_holds_no_pickle(tmp_path: Path) -> None:
    index = of("refund within days", "travel allowance", "营业收入增长")
    save_keyword(index, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy"}
    again = load_keyword(tmp_path)
    for query in ("refunds", "收入", "nothing known"):
        assert again.top(query, 3) == index.top(query, 3)
    assert again.top("收入", 1)[0][0] == 2 and again.top("nothing known", 3) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps files that are mapped")
def test_an_open_index_answers_when_its_files_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "keyword"
    folder.mkdir()
    save_keyword(of("refund within days", "travel"), folder)
    index = load_keyword(folder)
    shutil.rmtree(folder)
    assert [at for at, _ in index.top("refund", 5)] == [0]


def test_a_word_is_rarer_the_fewer_chunks_hold_it() -> None:
    index = of("refund fee", "fee note", "fee 收入", "other")
    rarity = [index.rarity(word) for word in ("fee", "refund", "nowhere")]
    assert rarity == sorted(rarity) and len(set(rarity)) == 3
    assert index.rarity("fee") == pytest.approx(math.log(1 + 1.5 / 3.5))
    assert build_keyword([]).rarity("fee") == pytest.approx(math.log(2))


@pytest.mark.parametrize("texts", [(), ("---", "..."), ("",)])
def test_texts_without_words_and_no_texts_are_no_error(tmp_path: Path, texts: tuple[str, ...]) -> None:
    save_keyword(of(*texts), tmp_path)
    index = load_keyword(tmp_path)
    assert len(index) == len(texts) and index.top("word", 5) == []
    assert index.scores_at("word", range(len(texts))).tolist() == [0.0] * len(texts)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "emptied": lambda path: path.write_bytes(b""),
    "no array": lambda path: path.write_bytes(b"refund" * 40),
    "a pickle": lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True),
    "another array": lambda path: np.save(path, np.zeros((2, 2))),
    "shorter": lambda path: np.save(path, np.load(path)[:-1]),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["letters", "word_ends", "row_ends", "positions", "counts"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    save_keyword(of("refund within days", "travel allowance"), tmp_path)
    DAMAGE[damage](tmp_path / f"{name}.npy")
    with pytest.raises(ValueError, match=r"damaged|holds"):
        load_keyword(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    save_keyword(of("refund within days"), tmp_path)
    (tmp_path / "counts.npy").unlink()
    with pytest.raises(FileNotFoundError, match="counts"):
        load_keyword(tmp_path)
