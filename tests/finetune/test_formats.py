"""What people have in their files becomes Examples, or one line that says where it is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from finetune import load_examples


def write(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    file = folder / name
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return file


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        ({"question": "Why?", "answer": "So."}, "Why?", "So."),
        ({"prompt": "Why?", "completion": "So."}, "Why?", "So."),
        ({"instruction": "Sort", "input": "b a", "output": "a b"}, "Sort\n\nb a", "a b"),
        (
            {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]},
            "Why?",
            "So.",
        ),
        (
            {
                "prompt": [{"role": "user", "content": "Why?"}],
                "completion": [{"role": "assistant", "content": "So."}],
            },
            "Why?",
            "So.",
        ),
    ],
)
def test_every_kind_of_row_ends_in_the_answer(
    tmp_path: Path, row: object, question: str, answer: str
) -> None:
    (example,) = load_examples(write(tmp_path, row))
    assert [turn["role"] for turn in example.messages] == ["user", "assistant"]
    assert [turn["content"] for turn in example.messages] == [question, answer]
    assert (example.line, example.split, example.label) == (1, "train", None)


def test_labels_keep_their_split_and_line(tmp_path: Path) -> None:
    file = write(
        tmp_path, {"text": "股价上涨", "label": "positive", "split": "test"}, "", {"text": "b", "label": 0}
    )
    first, second = load_examples(file)
    assert (first.text, first.label, first.split, first.line) == ("股价上涨", "positive", "test", 1)
    assert (second.label, second.line) == ("0", 3)


def test_csv_json_and_gzip_hold_the_same_rows(tmp_path: Path) -> None:
    rows = [{"question": "Why, \n so?", "answer": "So."}, {"question": "Where?", "answer": "Here."}]
    table = 'question,answer\n"Why, \n so?",So.\nWhere?,Here.\n'
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    files = [
        write(tmp_path, table, name="rows.csv"),
        write(tmp_path, json.dumps(rows), name="rows.json"),
        write(tmp_path, json.dumps({"data": rows}), name="wrapped.json"),
        packed,
    ]
    read = [[row.messages for row in load_examples(file)] for file in files]
    assert all(messages == read[0] for messages in read)


def test_unanswerable_rows_without_an_answer_are_left_out(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        {"question": "Known?", "answer": "Yes.", "answerable": True},
        {"question": "Unknown?", "answerable": False},
        {"question": "Unknown?", "answer": "", "answerable": False},
        {"question": "Unknown?", "answer": "The documents do not say.", "answerable": False},
    )
    assert [row.messages[-1]["content"] for row in load_examples(file)] == [
        "Yes.",
        "The documents do not say.",
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"question": "a", "answer": "b"}', "{no json"], r"rows.jsonl:2: not JSON"),
        (['["a"]'], r"rows.jsonl:1: a row is an object"),
        (['{"qestion": "a", "answer": "b"}'], "is 'qestion' meant to be 'question'"),
        (['{"question": "a", "answer": " "}'], "rows.jsonl:1: 'answer' is empty"),
        (['{"question": "a", "answer": null}'], "'answer' is missing"),
        (['{"text": "a", "label": "b", "split": "tain"}'], "split 'tain' is unknown; choose one of"),
        (['{"messages": [{"role": "user", "content": "a"}]}'], "the last message must be the assistant's"),
        (['{"messages": [{"role": "usr", "content": "a"}]}'], "role 'usr' is unknown"),
        (['{"label": "x"}'], "fit no known format"),
        ([""], "holds no usable row"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_reason(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load_examples(write(tmp_path, *lines))
    assert "\n" not in str(caught.value)


def test_a_missing_file_an_odd_suffix_and_a_short_row_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No examples at"):
        load_examples(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match=r"no file of rows; choose one of"):
        load_examples(write(tmp_path, "x", name="rows.docx"))
    with pytest.raises(ValueError, match=r"rows.csv:3: not as many cells"):
        load_examples(write(tmp_path, "question,answer\na,b\nc\n", name="rows.csv"))
    bad = tmp_path / "latin.jsonl"
    bad.write_bytes(b'{"question": "a", "answer": "b"}\n{"question": "\xe4"}')
    with pytest.raises(ValueError, match=r"latin.jsonl:2: not UTF-8"):
        load_examples(bad)
