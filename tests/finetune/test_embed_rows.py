"""Rows of a search in tokens and in batches: formats, cuts, equal texts, batches without a passage twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from searching import pairs, tiny_encoder

from finetune import Example, TrainConfig, load_examples
from finetune.classify_rows import load_tokenizer
from finetune.embed_batches import SearchCollator, apart, like_long
from finetune.embed_rows import encode, search_rows
from finetune.objectives import Encoded


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "bert")


def encoded(rows: list[Example], folder: Path, **changes: int) -> list[Encoded]:
    config = TrainConfig(model=str(folder), out="-", objective="embed", max_length=64)
    return encode(rows, replace(config, **changes), folder, load_tokenizer(folder, rows))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "row",
    [
        '{"query": "Where?", "positive": "Here.", "negatives": ["There."]}',
        '{"anchor": "Where?", "positive": ["Here."], "negative": "There."}',
        '{"question": "Where?", "pos": ["Here."], "neg": ["There."]}',
    ],
)
def test_the_usual_names_of_the_columns_are_known(tmp_path: Path, row: str) -> None:
    (tmp_path / "rows.jsonl").write_text(row + "\n", "utf-8")
    (found,) = load_examples(tmp_path / "rows.jsonl")
    assert (found.question, found.positives, found.negatives) == ("Where?", ("Here.",), ("There.",))


def test_a_passage_cannot_be_right_and_wrong(tmp_path: Path) -> None:
    row = '{"question": "Where?", "positive": "Here.", "negative": "Here."}'
    (tmp_path / "rows.jsonl").write_text(row + "\n", "utf-8")
    with pytest.raises(ValueError, match="among the positives and the negatives"):
        load_examples(tmp_path / "rows.jsonl")


def test_every_positive_makes_a_row_and_knows_the_others(encoder: Path) -> None:
    both = Example(question="Where is it?", positives=("In the hall.", "In the barn."), negatives=("No.",))
    again = Example(question="Where is it?", positives=("In the yard.",))
    first, second, third = search_rows(encoded([both, again], encoder))
    assert first["right"] == second["right"] == third["right"]
    assert {row["key"][0] for row in (first, second, third)} == set(first["right"])


def test_questions_and_passages_have_lengths_of_their_own(encoder: Path) -> None:
    long = Example(question="where " * 30, positives=("here " * 90,), negatives=("a", "b"))
    (one,) = encoded([long], encoder, question_tokens=16)
    assert [len(row.input_ids) for row in one.rows][:2] == [16, 64]
    assert all(row.lost > 0 for row in one.rows[:2])
    assert len(one.rows) == 3  # of the negatives as many as a step takes


def test_no_batch_holds_a_passage_as_two_answers() -> None:
    positives = [0, 0, 0, 1, 1, 2, 3, 4, 5, 5]
    order = apart(range(10), positives, 3)
    assert sorted(order) == list(range(10))
    for at in (0, 3, 6):
        assert len({positives[row] for row in order[at : at + 3]}) == 3


def test_where_all_rows_have_one_passage_they_are_learned_all_the_same() -> None:
    assert sorted(apart(range(4), [7] * 4, 2)) == [0, 1, 2, 3]


def test_a_batch_reads_each_text_once(encoder: Path) -> None:
    rows = pairs()[:3]
    rows[1] = replace(rows[1], negatives=rows[0].positives)
    batch = SearchCollator(0)(search_rows(encoded(rows, encoder)))
    assert batch["input_ids"].shape[0] == 3 + 5  # of the two negatives that are left none is a positive
    assert batch["targets"].tolist() == [0, 1, 2]
    assert not batch["masked"].any()


def test_texts_of_like_length_go_together() -> None:
    assert like_long([9, 2, 3, 8], 18) == [[1, 2], [3, 0]]
    assert like_long([50], 18) == [[0]]
