"""Hard negatives out of an index: near, and no answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.negatives import mine_negatives, report
from finetune import Example, load_examples
from rag import Document, Index, build_index

TEXTS = {
    "refund": "The refund window is thirty days from the date of delivery of the goods.",
    "same": "The refund window is thirty days from the date of delivery.",
    "paper": "A refund needs the paper receipt; without it the shop gives a voucher.",
    "hours": "The shop is open from nine to five on weekdays and closed on Sunday.",
    "mill": "The old mill at the river was built of grey stone.",
}
ASKED = Example(question="How long is the refund window?", positives=(TEXTS["refund"],), split="dev")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    documents = [Document(text=text, source=f"{name}.md") for name, text in TEXTS.items()]
    return build_index(documents, tmp_path_factory.mktemp("negatives") / "index")


def test_what_looks_like_an_answer_comes_first_and_the_answer_never(index: Index) -> None:
    mined = mine_negatives([ASKED], index, each=2)
    (row,) = mined.rows
    assert row.negatives[0] == TEXTS["paper"]
    assert not {TEXTS["refund"], TEXTS["same"]} & set(row.negatives)
    assert (mined.own, mined.kept) == (2, 2)


def test_what_is_as_near_as_the_answer_is_likely_true(index: Index) -> None:
    far = Example(question=ASKED.question, positives=("Thirty days.",))
    mined = mine_negatives([far], index, each=5)
    assert TEXTS["refund"] not in mined.rows[0].negatives
    assert mined.likely_true >= 1
    assert "likely true" in report(mined)


def test_an_answer_to_an_equal_question_is_no_negative(index: Index) -> None:
    other = Example(question="how long is the refund window", positives=(TEXTS["paper"],))
    mined = mine_negatives([ASKED, other], index, margin=1.0)
    assert all(TEXTS["paper"] not in row.negatives for row in mined.rows)


def test_negatives_that_were_there_stay_first(index: Index) -> None:
    given = Example(question=ASKED.question, positives=ASKED.positives, negatives=(TEXTS["mill"],))
    assert mine_negatives([given], index, each=2).rows[0].negatives == (TEXTS["mill"], TEXTS["paper"])


def test_the_command_writes_rows_that_training_reads(
    run_line: Callable[..., str], index: Index, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"question": ASKED.question, "positive": TEXTS["refund"], "split": "dev"}
    rows.write_text(json.dumps(row) + "\n", "utf-8")
    folder = tmp_path / "index"
    build_index([Document(text=text, source=name) for name, text in TEXTS.items()], folder)
    said = run_line(f"negatives {rows} --index {folder} --out {tmp_path / 'mined.jsonl'} --each 1")
    assert "1 questions, 1 negatives mined" in said
    (mined,) = load_examples(tmp_path / "mined.jsonl")
    assert (mined.negatives, mined.split) == ((TEXTS["paper"],), "dev")
    again = run_line(f"negatives {rows} --index {folder} --out {tmp_path / 'mined.jsonl'}", status=2)
    assert "--overwrite" in again


def test_rows_without_passages_are_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="No row has a passage"):
        mine_negatives([Example(question="Who?")], index)
