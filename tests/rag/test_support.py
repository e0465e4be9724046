"""Claims beside passages, each with what should come of it: claims.jsonl, of which every row was made up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.embed import load_embedder
from rag.meaning import Similarity, similarity_by
from rag.schema import Chunk
from rag.support import as_read, best_support
from rag.words import tokenize

ROWS = [json.loads(line) for line in Path(__file__).with_name("claims.jsonl").read_text("utf-8").splitlines()]


def chunk_of(row: dict[str, Any]) -> Chunk:
    return Chunk(
        source="a.md", text=row["passage"], start=0, end=len(row["passage"]), heading=row.get("heading", "")
    )


@pytest.fixture(scope="module")
def minilm() -> Similarity:
    found = similarity_by(load_embedder("minilm"))
    assert found is not None
    return found


def translating(claim: str, quotes: Sequence[str]) -> Sequence[float]:
    """Stands for an embedder of many languages, to which all these texts are near."""
    return [0.9] * len(quotes)


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row['kind']}" for n, row in enumerate(ROWS)])
def test_a_claim_is_supported_where_its_passage_says_so(row: dict[str, Any], minilm: Similarity) -> None:
    similarity = translating if row.get("by") == "translation" else minilm
    found = best_support(row["claim"], chunk_of(row), tokenize, similarity)
    assert (found is not None) == row["supported"]


@pytest.mark.parametrize("row", [row for row in ROWS if "by" not in row], ids=lambda row: row["kind"])
def test_words_alone_come_to_the_same(row: dict[str, Any]) -> None:
    assert (best_support(row["claim"], chunk_of(row), tokenize) is not None) == row["supported"]


def test_a_sentence_is_preferred_to_two_that_support_as_much() -> None:
    row = {"passage": "The fee is 5 euros. Cats sleep."}
    found = best_support("The fee is 5 euros.", chunk_of(row), tokenize)
    assert found is not None
    assert row["passage"][found.start : found.end] == "The fee is 5 euros."


def test_texts_that_the_embedder_cannot_read_are_judged_by_their_words(minilm: Similarity) -> None:
    assert minilm("退款期限为三十天。", ["退款期限为三十天。"]) == ()


def test_escapes_of_the_prompt_are_read_as_what_they_stand_for() -> None:
    assert as_read("use &lt;|end|&gt;\u200b here") == "use <|end|> here"
