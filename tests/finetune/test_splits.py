"""The same rows always fall on the same side, and no row falls on both."""

from __future__ import annotations

from collections import Counter

import pytest

from finetune.schema import Example
from finetune.splits import data_hash, split_rows


def labelled(count: int, split: str = "train") -> list[Example]:
    return [Example(text=f"text {n}", label="ab"[n % 2], split=split) for n in range(count)]


def test_a_share_of_each_label_is_held_out_whatever_the_order() -> None:
    rows = labelled(40)
    train, held, notes = split_rows(rows, share=0.2)
    again, held_again, _ = split_rows(rows[::-1], share=0.2)
    assert Counter(row.label for row in held) == {"a": 4, "b": 4}
    assert {row.text for row in held} == {row.text for row in held_again}
    assert len(train) == len(again) == 32
    assert "8 of 40 rows held out" in notes[0]


def test_equal_rows_fall_on_the_same_side() -> None:
    train, held, _ = split_rows(labelled(20) * 3, share=0.3)
    assert not {row.text for row in train} & {row.text for row in held}


def test_rows_with_one_question_fall_on_one_side_however_spelt_or_answered() -> None:
    def row(question: str, answer: str) -> Example:
        turns = ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
        return Example(messages=turns)

    rows = [row(f"{word} is item {n}?", word) for n in range(20) for word in ("What", "what", "WHAT")]
    train, held, _ = split_rows(rows, share=0.3)
    sides = [{one.messages[0]["content"].lower() for one in side} for side in (train, held)]
    assert len(held) == 18 and not sides[0] & sides[1]


def test_the_files_own_test_rows_come_before_its_dev_rows() -> None:
    train, held, notes = split_rows([*labelled(6), *labelled(4, "dev"), *labelled(2, "test")], share=0.5)
    assert (len(train), {row.split for row in held}, len(held)) == (6, {"test"}, 2)
    assert "4 'dev' rows" in notes[0]


def test_few_rows_are_all_learned_and_that_is_said() -> None:
    train, held, notes = split_rows(labelled(6), share=0.2)
    assert (len(train), held) == (6, [])
    assert "nothing was scored" in notes[0]


def test_without_training_rows_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="No row has the split 'train'"):
        split_rows(labelled(4, "test"), share=0.2)


def test_the_data_hash_changes_with_one_letter_and_with_the_split() -> None:
    rows = labelled(3)
    assert data_hash(rows) == data_hash(labelled(3))
    assert len({data_hash(rows), data_hash(rows[:2]), data_hash(labelled(3, "dev"))}) == 3


def test_where_all_rows_ask_one_question_none_is_held_out_and_that_is_said() -> None:
    said = ({"role": "user", "content": "A poem?"},)
    rows = [Example(messages=(*said, {"role": "assistant", "content": f"Verse {n}."})) for n in range(30)]
    train, held, notes = split_rows(rows, share=0.2)
    assert (len(train), held) == (30, []) and "too few questions" in notes[0]
