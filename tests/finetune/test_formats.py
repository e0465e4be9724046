"""What people have in their files becomes Examples, or one line that says where it is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from finetune import load_examples
from finetune.formats import documents_as_examples, read_examples


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
        (
            {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]},
            "Why?",
            "So.",
        ),
        ({"问题": "为什么？", "答案": "因为。"}, "为什么？", "因为。"),
        ({"Query": "Why?", " Response ": "So."}, "Why?", "So."),
        ({"question": "Why?", "answers": {"text": ["So.", "So so."], "answer_start": [3, 3]}}, "Why?", "So."),
        (
            {"question": "Why?", "context": "It is so.", "answers": [{"text": "So."}]},
            "It is so.\n\nWhy?",
            "So.",
        ),
        ({"prompt": "Why?", "response": "So."}, "Why?", "So."),
        ({"instruction": "Sort", "context": "b a", "response": "a b"}, "Sort\n\nb a", "a b"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
                    {"role": "model", "content": "So."},
                ]
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
        {"question": "Unknown?", "answers": [], "is_impossible": True},
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
        (['{"label": "x"}'], "fit no known format; for labels the column 'text' is missing"),
        (
            ['{"instuction": "a", "ouput": "b"}'],
            "'instuction' meant to be 'instruction', and 'ouput' meant to be",
        ),
        (
            ['{"frage": "a", "antwort": "b"}'],
            r"known are chosen\+rejected, question\+positive, messages, conversations",
        ),
        (
            ['{"messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]}'],
            "speaks first",
        ),
        (['{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}'], "parts that are no text"),
        (['{"prompt": "a", "completion": "b", "label": "maybe"}'], "'label' is 'maybe'; a thumb is"),
        (['{"prompt": "a", "chosen": "b", "rejected": "b"}'], "equal; neither is preferred"),
        (
            ['{"question": "a", "answer": ""}', '{"question": "a"}'],
            r"rows.jsonl:1: 'answer' is empty \(1 more such rows and no sound one\)",
        ),
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
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    write(mixed, {"question": "a", "answer": "b"})
    (mixed / "notes.txt").write_text("c")
    with pytest.raises(ValueError, match=r"holds rows \(rows.jsonl\) and texts \(notes.txt\)"):
        load_examples(mixed)
    bad = tmp_path / "latin.jsonl"
    bad.write_bytes(b'{"question": "a", "answer": "b"}\n{"question": "\xe4"}')
    with pytest.raises(ValueError, match=r"latin.jsonl:2: not UTF-8"):
        load_examples(bad)


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_a_sharegpt_conversation_keeps_its_system_text_and_its_tools(tmp_path: Path) -> None:
    said = [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": '{"name": "weather"}'},
        {"from": "observation", "value": "rain"},
        {"from": "gpt", "value": "Rain."},
    ]
    (example,) = load_examples(write(tmp_path, {"conversations": said}))
    assert [turn["role"] for turn in example.messages] == ["system", "user", "assistant", "tool", "assistant"]
    (other,) = load_examples(write(tmp_path, {"conversations": said[1:], "system": "Be brief."}))
    assert other.messages == example.messages


def test_alpaca_history_comes_before_the_question_and_weight_0_is_kept(tmp_path: Path) -> None:
    (example,) = load_examples(
        write(tmp_path, {"instruction": "And now?", "output": "c", "history": [["First?", "b"]]})
    )
    assert [turn["content"] for turn in example.messages] == ["First?", "b", "And now?", "c"]
    said = [
        turn("user", "a"),
        {**turn("assistant", "b"), "weight": 0},
        turn("user", "c"),
        turn("assistant", "d"),
    ]
    (weighed,) = load_examples(write(tmp_path, {"messages": said}))
    assert [turn.get("weight") for turn in weighed.messages] == [None, "0", None, None]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"question": "Why?", "chosen": "So.", "rejected": "No."},
        {
            "chosen": [turn("user", "Why?"), turn("assistant", "So.")],
            "rejected": [turn("user", "Why?"), turn("assistant", "No.")],
        },
        {
            "prompt": [turn("user", "Why?")],
            "chosen": [turn("assistant", "So.")],
            "rejected": [turn("assistant", "No.")],
        },
        {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
        {
            "conversations": [{"from": "human", "value": "Why?"}],
            "chosen": {"from": "gpt", "value": "So."},
            "rejected": {"from": "gpt", "value": "No."},
        },
        {
            "input": {"messages": [turn("user", "Why?")]},
            "preferred_output": [turn("assistant", "So.")],
            "non_preferred_output": [turn("assistant", "No.")],
        },
    ],
)
def test_every_kind_of_pair_ends_in_a_prompt_and_two_answers(tmp_path: Path, row: object) -> None:
    (example,) = load_examples(write(tmp_path, row))
    assert example.messages == (turn("user", "Why?"),)
    assert example.chosen == (turn("assistant", "So."),) and example.rejected == (turn("assistant", "No."),)


def test_a_pair_of_bare_texts_has_no_prompt(tmp_path: Path) -> None:
    (example,) = load_examples(write(tmp_path, {"chosen": "So.", "rejected": "No."}))
    assert (example.messages, example.chosen[0]["content"]) == ((), "So.")


@pytest.mark.parametrize(
    ("row", "liked"),
    [
        ({"prompt": "a", "completion": "b", "label": True}, True),
        ({"prompt": [turn("user", "a")], "completion": [turn("assistant", "b")], "label": False}, False),
        ({"question": "a", "answer": "b", "thumb": "up"}, True),
        ({"question": "a", "answer": "b", "thumb": "👎"}, False),
        ({"prompt": "a", "response": "b", "feedback": 0.0}, False),
    ],
)
def test_thumbs_are_read_in_the_ways_people_write_them(tmp_path: Path, row: object, liked: bool) -> None:
    (example,) = load_examples(write(tmp_path, row))
    assert (example.thumb, [turn["content"] for turn in example.messages]) == (liked, ["a", "b"])


def test_bad_rows_are_all_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    file = write(
        tmp_path, {"question": "a", "answer": "b"}, "{torn", {"qestion": "a"}, {"question": "a", "answer": ""}
    )
    file.write_bytes(file.read_bytes() + b'\n{"question": "\xe4", "answer": "b"}\n')
    reading = read_examples(file)
    assert [(fault.line, fault.key) for fault in reading.faults] == [
        (2, "bad_rows"), (3, "bad_rows"), (4, "empty_answers"), (5, "bad_rows"),
    ]  # fmt: skip
    assert (len(reading.examples), reading.formats) == (1, (("question/answer", 1),))
    with pytest.raises(
        ValueError, match=r"3 more: 'advisor check' lists them\); .* --allow bad_rows --allow empty"
    ):
        load_examples(file)
    with pytest.raises(ValueError, match=r"rows.jsonl:4: 'answer' is empty; .* --allow empty_answers"):
        load_examples(file, allow=("bad_rows",))
    assert len(load_examples(file, allow=("bad_rows", "empty_answers"))) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_tables_of_chinese_spreadsheets_are_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes("问题;答案\n退款期限？;三十天。\n".encode(encoding))
    (example,) = load_examples(file)
    assert [turn["content"] for turn in example.messages] == ["退款期限？", "三十天。"]


def test_a_cell_may_hold_a_document_and_a_row_is_named_by_its_first_line(tmp_path: Path) -> None:
    long = "A line.\n" * 40_000
    file = write(tmp_path, f'question,answer\n"{long}",Yes.\n"Two\nlines",\n', name="rows.csv")
    reading = read_examples(file)
    assert reading.examples[0].messages[0]["content"] == long and reading.examples[0].line == 2
    assert [fault.line for fault in reading.faults] == [40_003]


def test_a_table_in_another_encoding_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("question,answer\nGrüße?,Schöne Grüße aus Köln\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"rows.csv:2: not UTF-8"):
        load_examples(tmp_path / "rows.csv")


def test_a_sheet_is_read_below_its_first_filled_row(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.create_sheet("qa")
    for row in ([], ["question", "answer"], ["How many?", 30.0], [None, None], ["Where?", None]):
        sheet.append(row)
    book.save(tmp_path / "rows.xlsx")
    reading = read_examples(tmp_path / "rows.xlsx")
    assert reading.examples[0].messages[-1]["content"] == "30"
    assert [(fault.line, fault.key) for fault in reading.faults] == [(5, "empty_answers")]
    (tmp_path / "torn.xlsx").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is no XLSX file that can be read"):
        load_examples(tmp_path / "torn.xlsx")


def test_what_datasets_saves_keeps_its_splits_and_names_its_labels(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    kinds = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    parts = {
        "train": Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=kinds),
        "validation": Dataset.from_dict({"text": ["c"], "label": [1]}, features=kinds),
    }
    DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    found = load_examples(tmp_path / "saved")
    assert [(row.text, row.label, row.split) for row in found] == [
        ("a", "bad", "train"), ("b", "good", "train"), ("c", "good", "dev"),
    ]  # fmt: skip
    shards = tmp_path / "shards"
    shards.mkdir()
    Dataset.from_dict({"question": ["a"], "answer": ["b"]}).to_parquet(
        str(shards / "test-00000-of-00001.parquet")
    )
    (shards / "README.md").write_text("About these rows.")
    (row,) = load_examples(shards)
    assert (row.split, row.messages[-1]["content"]) == ("test", "b")


def test_documents_are_rows_of_raw_text(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes("退款期限为三十天。".encode("gb18030"))
    (folder / "deep" / "b.md").write_text("# Hours\nNine to five.")
    (folder / ".hidden.txt").write_text("no")
    found = load_examples(folder)
    assert [row.text for row in found] == ["退款期限为三十天。", "# Hours\nNine to five."]
    assert [row.text for row in load_examples(folder / "deep" / "b.md")] == [found[1].text]
    assert [row.text for row in load_examples(write(tmp_path, {"text": "a"}, {"content": "b"}))] == ["a", "b"]
    assert [row.line for row in documents_as_examples(["a", " ", "c"])] == [1, 3]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match="holds neither rows"):
        load_examples(tmp_path / "nothing")


def test_questions_without_an_answer_are_rows_where_answers_are_sampled(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    rows = [
        {"prompt": "Who?", "id": 7},
        {"question": "Where?", "system": "Be brief."},
        {"messages": [{"role": "user", "content": "Why?"}]},
        {"question": "When?", "answer": "Now."},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_examples(file, prompts=True)
    assert [[turn["role"] for turn in one.messages] for one in found] == [
        ["user"],
        ["system", "user"],
        ["user"],
        ["user", "assistant"],
    ]
    with pytest.raises(ValueError, match="prompts.jsonl:1"):
        load_examples(file)
