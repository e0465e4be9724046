from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import postings as module
from rag.postings import collect_postings, decode_terms, encode_terms, join_postings
from rag.runs import interleave

WORDS = st.text(st.sampled_from("abé收入𠀀"), min_size=1, max_size=3)
CHUNKS = st.lists(st.lists(WORDS, max_size=8), max_size=12)


def table(found: module.Postings, words: set[str]) -> dict[tuple[str, int], int]:
    pairs = {}
    for word in words:
        row = found.row(word)
        for position, count in zip(found.positions[row], found.counts[row], strict=True):
            pairs[word, int(position)] = int(count)
    return pairs


@given(CHUNKS)
def test_postings_hold_each_word_of_each_chunk_with_its_count(chunks: list[list[str]]) -> None:
    expected = {(word, at): chunk.count(word) for at, chunk in enumerate(chunks) for word in chunk}
    found = collect_postings(chunks)
    assert table(found, {word for word, _ in expected} | {"b", "入"}) == expected
    assert found.lengths.tolist() == [len(chunk) for chunk in chunks]


def test_blocks_of_chunks_are_joined_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [["fee", f"note{at % 3}"] + ["fee"] * (at % 2) for at in range(11)]
    whole = collect_postings(chunks)
    monkeypatch.setattr(module, "_BLOCK", 4)
    parts = collect_postings(chunks)
    assert all(np.array_equal(getattr(whole, name), getattr(parts, name)) for name in module.ARRAYS)
    assert parts.positions[parts.row("fee")].tolist() == list(range(11))


@given(CHUNKS, CHUNKS, st.data())
def test_joined_postings_are_those_of_the_chunks_in_their_new_order(
    old: list[list[str]], added: list[list[str]], data: st.DataObject
) -> None:
    gone = [number for number in range(len(old)) if data.draw(st.booleans())]
    places = sorted(data.draw(st.integers(0, len(old))) for _ in added)
    chunks = []
    for number in range(len(old) + 1):
        chunks += [chunk for chunk, place in zip(added, places, strict=True) if place == number]
        chunks += old[number : number + 1] if number not in gone else []
    runs = interleave(len(old), np.array(gone, dtype=np.int64), np.array(places, dtype=np.int64))
    joined, anew = (
        join_postings(collect_postings(old), collect_postings(added), runs),
        collect_postings(chunks),
    )
    for name, kind in module.ARRAYS.items():
        assert np.array_equal(getattr(joined, name), getattr(anew, name)), name
        assert getattr(joined, name).dtype == kind


@given(st.lists(WORDS, max_size=20))
def test_encoded_terms_are_read_back_as_they_were(terms: list[str]) -> None:
    assert decode_terms(encode_terms(terms)) == terms


def test_encoded_chunks_make_the_same_postings() -> None:
    chunks = [["refund", "fee"], [], ["收入", "fee", "fee"]]
    plain, encoded = collect_postings(chunks), collect_postings([encode_terms(chunk) for chunk in chunks])
    assert all(np.array_equal(getattr(plain, name), getattr(encoded, name)) for name in module.ARRAYS)


@pytest.mark.parametrize("terms", [["a\nb"], [""], ["a", ""]])
def test_what_is_no_word_is_not_encoded(terms: list[str]) -> None:
    with pytest.raises(ValueError, match="line breaks"):
        encode_terms(terms)


def test_damaged_terms_are_named() -> None:
    with pytest.raises(ValueError, match="damaged"):
        decode_terms(encode_terms(["refund", "fee"])[:-3])
