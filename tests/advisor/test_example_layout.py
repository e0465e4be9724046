import json

import pytest

from advisor.example_layout import answer_of, content_of, kind_of, layout_of, question_of
from advisor.example_profile import profile_examples

CHAT = [{"role": "user", "content": "Fee?"}, {"role": "assistant", "content": "1.2 percent"}]
ROWS = {
    "alpaca": {"instruction": "Answer.", "input": "Fee?", "output": "1.2 percent"},
    "messages": {"messages": CHAT},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Fee?"}, {"from": "gpt", "value": "1.2 percent"}]
    },
    "prompt_completion": {"prompt": "Fee?", "completion": "1.2 percent"},
    "qa": {"question": "Fee?", "answer": "1.2 percent"},
    "labels": {"text": "Fee?", "label": "1.2 percent"},
    "preference": {"prompt": "Fee?", "chosen": "1.2 percent", "rejected": "none"},
    "thumbs": {"prompt": "Fee?", "completion": "1.2 percent", "label": True},
    "text": {"text": "Fee? 1.2 percent"},
    "": {"left": "Fee?", "right": "1.2 percent"},
}


@pytest.mark.parametrize("layout", ROWS)
def test_the_layout_is_seen_from_the_columns(layout):
    assert layout_of([ROWS[layout]] * 3) == layout


@pytest.mark.parametrize(
    "layout", ["alpaca", "messages", "sharegpt", "prompt_completion", "qa", "labels", "preference"]
)
def test_question_answer_and_content_are_found_in_each_layout(layout):
    row = ROWS[layout]
    assert question_of(row).endswith("Fee?")
    assert answer_of(row) == "1.2 percent"
    assert "Fee?" in content_of(row) and "1.2 percent" in content_of(row)


def test_preferences_and_thumbs_are_no_labelled_answers():
    assert {kind_of(layout) for layout in ("preference", "thumbs", "")} == {"unknown"}
    assert {kind_of(layout) for layout in ("alpaca", "prompt_completion", "qa")} == {"qa"}


@pytest.mark.parametrize(
    "answers", [[{"text": "1.2", "answer_start": 3}], {"text": ["1.2", "one"]}, ["1.2", "one"]]
)
def test_of_several_accepted_answers_the_first_is_taken(answers):
    row = {"context": "The fee is 1.2", "question": "Fee?", "answers": answers}
    assert layout_of([row]) == "qa"
    assert answer_of(row) == "1.2"
    assert answer_of({"question": "Fee?", "answers": []}) == ""


def test_turns_before_the_last_are_the_question():
    chosen = {"chosen": CHAT, "rejected": [*CHAT[:1], {"role": "assistant", "content": "no"}]}
    assert question_of({"messages": [{"role": "system", "content": "Be brief."}, *CHAT]}) == "Be brief.\nFee?"
    assert answer_of(chosen) == "1.2 percent"


def test_the_source_of_an_answer_is_no_content():
    assert content_of({**ROWS["qa"], "source": "a.pdf", "id": "7"}) == "Fee?\n1.2 percent"


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_repeated_rows_and_contradictions_are_counted(tmp_path):
    rows = [
        {"question": "Fee?", "answer": "1.2 percent"},
        {"question": "fee", "answer": "1.2 Percent."},
        {"question": "Fee?", "answer": "2 percent"},
        {"question": "Window?", "answer": "thirty days"},
    ]
    found = profile_examples(write(tmp_path / "qa.jsonl", *rows))
    assert (found.duplicates, found.conflicts, found.leaked) == (1, 1, None)


def test_the_same_question_about_another_text_is_no_contradiction(tmp_path):
    rows = [{"question": "Sum?", "context": text, "answer": text} for text in ("12", "13")]
    assert profile_examples(write(tmp_path / "qa.jsonl", *rows)).conflicts == 0


def test_a_text_with_two_labels_is_a_contradiction(tmp_path):
    rows = [{"text": "Shares rise", "label": label} for label in ("up", "down", "up")]
    found = profile_examples(write(tmp_path / "labels.jsonl", *rows))
    assert (found.conflicts, found.duplicates, found.labels) == (1, 1, {"up": 2, "down": 1})


def test_held_out_questions_that_training_also_holds_are_counted(tmp_path):
    rows = [{"question": f"Question {n}?", "answer": f"{n}", "split": "train"} for n in range(8)]
    rows += [{"question": "QUESTION 3", "answer": "3", "split": "test"}]
    rows += [{"question": "New?", "answer": "9", "split": "validation"}]
    assert profile_examples(write(tmp_path / "qa.jsonl", *rows)).leaked == 1
    assert profile_examples(write(tmp_path / "train.jsonl", *rows[:8])).leaked is None


def test_the_files_of_a_folder_name_their_splits(tmp_path):
    rows = [{"question": f"Question {n}?", "answer": f"{n}"} for n in range(6)]
    write(tmp_path / "qa_train.jsonl", *rows[:5])
    write(tmp_path / "qa_test.jsonl", *rows[4:])
    (tmp_path / "README.md").write_text("not rows", "utf-8")
    found = profile_examples(tmp_path)
    assert (found.rows, found.leaked) == (7, 1)
    assert found.path == str(tmp_path / "qa_train.jsonl")


def test_a_folder_without_a_training_file_is_refused_in_one_line(tmp_path):
    write(tmp_path / "rows.jsonl", ROWS["qa"])
    with pytest.raises(IsADirectoryError, match="no file named train; name a .jsonl"):
        profile_examples(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_is_irrelevant(tmp_path, seed):
    import random

    rows = [{"text": f"Text {n % 9}", "label": "ab"[n % 2]} for n in range(30)]
    one = profile_examples(write(tmp_path / "rows.jsonl", *rows))
    random.Random(seed).shuffle(rows)
    assert profile_examples(write(tmp_path / "rows.jsonl", *rows)) == one
    assert list(one.labels) == ["a", "b"]


def test_a_prompt_of_several_turns_is_read_whole():
    row = {"prompt": [{"role": "system", "content": "Be brief."}, *CHAT[:1]], "completion": CHAT[1:]}
    assert (question_of(row), answer_of(row)) == ("Be brief.\nFee?", "1.2 percent")
    assert content_of(row) == "Be brief.\nFee?\n1.2 percent"
