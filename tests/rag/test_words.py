from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.postings import decode_terms, encode_terms
from rag.words import index_terms, is_chinese, tokenize


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Refunds were running late", ["refund", "run", "late"]),
        ("the company's and the employees’ rights", ["compani", "employe", "right"]),
        ("colour colours coloured", ["colour"] * 3),
        ("well-known", ["well", "known"]),
        ("1,200.50 euros", ["1200.50", "euro"]),
        ("1,200 = 1200, 12.5% of 1,234,567", ["1200", "1200", "12.5", "1234567"]),
        ("rooms 2,3 and 14", ["room", "2", "3", "14"]),
        ("on 2024.12.31", ["2024.12.31", "2024", "12", "31"]),
        ("２０２４ ＡＢＣ 12㎡ ﬁle", ["2024", "abc", "12", "m2", "file"]),
        ("max_tokens covid19 100mg", ["max", "token", "covid19", "100", "mg"]),
        ("营业收入为100，200", ["营业", "收入", "100", "200"]),
        ("请问你的退款", ["退款"]),
        ("Café naïve", ["café", "naïv"]),
        ("--- … ！", []),
        ("", []),
    ],
)
def test_text_is_cut_into_comparable_words(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


def test_mixed_text_is_cut_run_by_run() -> None:
    found = tokenize("公司2024年营业收入是多少？Revenue增长")
    assert {"公司", "2024", "营业", "收入", "revenu", "增长"} <= set(found)


def test_what_is_indexed_of_chinese_holds_its_words_pairs_and_characters() -> None:
    assert set(index_terms("股份制银行")) >= {"股份制", "股份", "份制", "银行", "股", "行"}
    assert "份制" not in tokenize("股份制银行")
    assert index_terms("银行的银行").count("银行") == 1 and "的" not in index_terms("银行的银行")


def test_english_is_indexed_as_it_is_cut() -> None:
    assert index_terms("Refunds of 1,200 euros") == tokenize("Refunds of 1,200 euros")


def test_only_terms_of_han_characters_are_chinese() -> None:
    assert [is_chinese(term) for term in ("收入", "收", "revenu", "2024", "ひらがな")] == [
        True,
        True,
        *[False] * 3,
    ]


@given(st.text())
def test_terms_of_any_text_can_be_kept_as_bytes(text: str) -> None:
    terms = index_terms(text)
    assert decode_terms(encode_terms(terms)) == terms


def test_half_a_surrogate_pair_from_a_broken_file_is_no_word() -> None:
    assert encode_terms(index_terms("refund \ud83d fee")) == encode_terms(["refund", "fee"])


@pytest.mark.skipif(os.name == "nt", reason="the home is named by HOME")
@pytest.mark.parametrize("has_home", [True, False])
def test_the_dictionary_is_kept_where_no_other_user_can_put_one(tmp_path: Path, has_home: bool) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    shared.mkdir()
    home.mkdir() if has_home else home.write_text("no folder")
    code = "from rag.words import tokenize; print(*tokenize('营业收入增长'))"
    environment = {"HOME": str(home), "TMPDIR": str(shared), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == tokenize("营业收入增长") and done.stderr == ""
    kept = [path for path in home.rglob("jieba-*.cache") if path.parent.stat().st_mode & 0o077 == 0]
    assert (len(kept), list(shared.iterdir())) == (int(has_home), [])
