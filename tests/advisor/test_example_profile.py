import json

import pytest

from advisor import profile_data, survey
from advisor.tokens import LETTER_BYTES_PER_TOKEN


def test_answers_that_stand_in_the_documents_are_counted(documents, qa_file):
    rows = profile_data(documents, qa_file).examples
    assert rows.kind == "qa"
    assert rows.rows == 4
    assert rows.answers_in_documents == pytest.approx(2 / 3, abs=0.01)


def test_without_documents_nothing_is_said_about_where_answers_stand(qa_file):
    assert profile_data(None, qa_file).examples.answers_in_documents is None


def test_a_quote_counts_as_found_and_shows_that_citations_are_wanted(documents, tmp_path, write_rows):
    row = {
        "question": "Fee?",
        "answer": "It costs a little.",
        "quote": "yearly fee is 1.2 percent",
        "source": "fees.txt",
    }
    rows = profile_data(documents, write_rows(tmp_path / "q.jsonl", [row])).examples
    assert rows.answers_in_documents == 1.0
    assert rows.quotes


def test_labels_are_balanced_and_duplicates_counted(tmp_path, write_rows):
    rows = [{"text": f"Shares rise {n}", "label": "positive"} for n in range(3)]
    rows += [{"text": "股价下跌", "label": "negative"}] * 2
    profile = profile_data(None, write_rows(tmp_path / "labels.jsonl", rows)).examples
    assert profile.kind == "labels"
    assert profile.labels == {"positive": 3, "negative": 2}
    assert profile.duplicates == 1
    assert set(profile.languages) == {"en", "zh"}


def test_lengths_are_given_by_percentile(tmp_path, write_rows):
    rows = [{"question": "q" * 40, "answer": "a" * 4 * n} for n in range(1, 101)]
    profile = profile_data(None, write_rows(tmp_path / "q.jsonl", rows)).examples
    assert profile.p50_tokens == pytest.approx((40 + 4 * 51) / LETTER_BYTES_PER_TOKEN, abs=1)
    assert profile.p50_tokens < profile.p95_tokens < profile.p99_tokens <= profile.max_tokens
    assert profile.max_tokens == pytest.approx((40 + 4 * 100) / LETTER_BYTES_PER_TOKEN, abs=1)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"messages": [{"role": "user", "content": "hello"}]}, "messages"),
        ({"conversations": [{"from": "human", "value": "hello"}]}, "messages"),
        ({"instruction": "Say hello", "output": "hello"}, "qa"),
        ({"text": "some text"}, "text"),
        ({"left": 1, "right": 2}, "unknown"),
    ],
)
def test_the_kind_is_seen_from_the_columns(tmp_path, row, kind, write_rows):
    assert profile_data(None, write_rows(tmp_path / "rows.jsonl", [row] * 3)).examples.kind == kind


def test_json_arrays_and_csv_are_read_too(tmp_path):
    rows = [{"question": "a", "answer": "b"}] * 2
    (tmp_path / "rows.json").write_text(json.dumps(rows), "utf-8")
    (tmp_path / "rows.csv").write_text("text,label\nup,positive\ndown,negative\n", "utf-8")
    assert profile_data(None, tmp_path / "rows.json").examples.rows == 2
    assert profile_data(None, tmp_path / "rows.csv").examples.labels == {"positive": 1, "negative": 1}


def test_a_row_that_is_no_json_is_named_by_its_line(tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text('{"question": "a", "answer": "b"}\n\nnot json\n', "utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl:3: not JSON"):
        profile_data(None, file)


def test_a_missing_or_empty_file_gets_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="do not exist; name a .jsonl"):
        profile_data(None, tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n", "utf-8")
    with pytest.raises(ValueError, match="holds no rows"):
        profile_data(None, tmp_path / "empty.jsonl")


def test_of_a_large_folder_a_part_is_read_and_the_share_does_not_fall(tmp_path, write_rows, monkeypatch):
    folder = tmp_path / "docs"
    folder.mkdir()
    rows = []
    for number in range(40):
        answer = f"clause {number} of {number * 7} pages with {number * 11} seals and {number * 13} names"
        (folder / f"{number}.txt").write_text(f"{answer}. " + f"Other words of text {number}. " * 40, "utf-8")
        rows.append({"question": f"What is text {number}?", "answer": answer})
    monkeypatch.setattr(survey, "_KEEP_BUDGET", 20_000)
    found = profile_data(folder, write_rows(tmp_path / "qa.jsonl", rows)).examples
    assert found.answers_in_documents > 0.8
