"""Feedback leaves as files that training reads, can leave again, and comes back in without being doubled."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from apps.feedback import Feedback, add_all_feedback, add_feedback, read_feedback
from apps.feedback_exports import export_feedback, exported_keys, exports, undo_export
from apps.feedback_import import import_feedback
from finetune import load_examples

KINDS: tuple[Any, ...] = ("kto", "dpo", "sft")
GOOD = Feedback(question="How long?", answer="Thirty days.", thumb="up")
BAD = Feedback(question="How long?", answer="Sixty days.", thumb="down")
LATER = Feedback(question="Where?", answer="In Graz.", thumb="down", correction="In Linz.")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "feedback.sqlite3"
    add_all_feedback(path, [GOOD, BAD])
    return path


def rows_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_each_kind_is_read_by_training_as_what_it_is(store: Path, tmp_path: Path) -> None:
    for kind in KINDS:
        export_feedback(store, kind, tmp_path / "out" / f"{kind}.jsonl")
    liked, disliked = load_examples(tmp_path / "out" / "kto.jsonl")
    assert (liked.thumb, disliked.thumb, disliked.messages[-1]["content"]) == (True, False, "Sixty days.")
    [pair] = load_examples(tmp_path / "out" / "dpo.jsonl")
    assert (pair.chosen[0]["content"], pair.rejected[0]["content"]) == ("Thirty days.", "Sixty days.")
    assert pair.messages == liked.messages[:-1] and pair.messages[-1]["content"] == "How long?"
    [learned] = load_examples(tmp_path / "out" / "sft.jsonl")
    assert learned.messages[-1] == {"role": "assistant", "content": "Thirty days."} and learned.thumb is None


def test_new_takes_only_what_no_export_of_the_format_took(store: Path, tmp_path: Path) -> None:
    export_feedback(store, "kto", tmp_path / "1.jsonl")
    with pytest.raises(ValueError, match="All 2 rows for kto were exported already; leave --new out"):
        export_feedback(store, "kto", tmp_path / "2.jsonl", new=True)
    add_all_feedback(store, [LATER, GOOD])  # the second says again what was exported
    made, _ = export_feedback(store, "kto", tmp_path / "2.jsonl", new=True, mask=True)
    assert made.rows == 1 and rows_of(tmp_path / "2.jsonl")[0]["completion"][0]["content"] == "In Graz."
    assert export_feedback(store, "dpo", tmp_path / "3.jsonl", new=True)[0].rows == 2


def test_an_export_is_undone_step_by_step_and_nothing_is_deleted(store: Path, tmp_path: Path) -> None:
    files = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    export_feedback(store, "kto", files[0])
    add_feedback(store, LATER)
    export_feedback(store, "kto", files[1], new=True)
    assert [undo_export(store).file, undo_export(store).file] == [str(files[1]), str(files[0])]
    with pytest.raises(ValueError, match="No export stands"):
        undo_export(store)
    assert exported_keys(store, "kto") == set() and [made.undone for made in exports(store)] == [True, True]
    assert len(read_feedback(store)) == 3 and all(file.is_file() for file in files)
    assert export_feedback(store, "kto", tmp_path / "3.jsonl", new=True)[0].rows == 3


def test_two_exports_of_what_is_new_at_once_share_nothing(store: Path, tmp_path: Path) -> None:
    together, done = threading.Barrier(4), []

    def export(number: int) -> None:
        together.wait()
        try:
            done.append(export_feedback(store, "kto", tmp_path / f"{number}.jsonl", new=True)[0].rows)
        except ValueError as mistake:
            assert "exported already" in str(mistake) or "Another export" in str(mistake)

    threads = [threading.Thread(target=export, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [2] and len(list(tmp_path.glob("*.jsonl"))) == 1 and len(exports(store)) == 1


@pytest.mark.parametrize(
    ("rows", "kind", "part"),
    [
        ([], "kto", "There is no feedback yet"),
        ([GOOD, BAD][:1], "dpo", "1 rows of feedback make no row for dpo: 1 liked, and no other answer"),
        ([GOOD, Feedback(question="How long?", answer="Thirty days.", thumb="down")], "kto",
         "2 as many people like the answer as dislike it. Nothing was written"),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_write_one_line_says_why(
    rows: list[Feedback], kind: Any, part: str, tmp_path: Path
) -> None:
    store, out = tmp_path / "f.sqlite3", tmp_path / "out.jsonl"
    add_all_feedback(store, rows)
    with pytest.raises(ValueError, match=part) as caught:
        export_feedback(store, kind, out)
    assert "\n" not in str(caught.value) and not out.exists() and exports(store) == []
    assert len(read_feedback(store)) == len(rows)


def test_a_file_that_is_there_is_kept_unless_told_otherwise(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    with pytest.raises(FileExistsError, match="name another file, or give --overwrite"):
        export_feedback(store, "kto", out)
    assert out.read_text() == "mine"
    export_feedback(store, "kto", out, overwrite=True)
    assert len(rows_of(out)) == 2


def test_a_file_that_cannot_be_written_leaves_no_record(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError):
        export_feedback(store, "kto", tmp_path / "file" / "out.jsonl")
    assert exports(store) == [] and exported_keys(store, "kto") == set()


def test_a_store_takes_nothing_from_its_own_exports(store: Path, tmp_path: Path) -> None:
    add_feedback(store, LATER)
    for kind in KINDS:
        for name, options in (("plain", {}), ("bare", {"context": False}), ("masked", {"mask": True})):
            file = tmp_path / f"{kind}-{name}.jsonl"
            export_feedback(store, kind, file, **options)  # type: ignore[arg-type]
            assert import_feedback(store, file).added == 0
    assert len(read_feedback(store)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_store_exports_another_exports_again(kind: Any, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    source = {"source": "a.md", "text": "In Linz since May.", "start": 0, "end": 18}
    said = ({"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."})
    hybrid = Feedback(question="Where?", answer="In Graz.", thumb="down", correction="In Linz. [1]", hits=(source,),
                      history=said)  # fmt: skip
    add_feedback(store, hybrid)
    made, _ = export_feedback(store, kind, tmp_path / "1.jsonl")
    assert import_feedback(other, tmp_path / "1.jsonl").added == made.rows
    assert import_feedback(other, tmp_path / "1.jsonl").there == made.rows
    export_feedback(other, kind, tmp_path / "2.jsonl")
    assert rows_of(tmp_path / "1.jsonl") == rows_of(tmp_path / "2.jsonl")


@pytest.mark.parametrize(
    ("row", "thumb", "correction"),
    [
        ({"prompt": "Why?", "completion": "So.", "label": True}, "up", None),
        ({"prompt": "Why?", "chosen": "Because.", "rejected": "So."}, "down", "Because."),
        ({"chosen": "\n\nHuman: Why?\n\nAssistant: Because.", "rejected": "\n\nHuman: Why?\n\nAssistant: So."},
         "down", "Because."),
        ({"question": "Why?", "answer": "So."}, "up", None),
    ],
)  # fmt: skip
def test_files_of_others_become_feedback(
    row: Any, thumb: str, correction: str | None, tmp_path: Path
) -> None:
    file, store = tmp_path / "rows.jsonl", tmp_path / "f.sqlite3"
    file.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")
    done = import_feedback(store, file)
    [found] = read_feedback(store)
    assert (done.added, done.there) == (1, 1)
    assert (found.question, found.answer, found.thumb, found.correction) == ("Why?", "So.", thumb, correction)


def test_a_file_that_holds_no_feedback_is_one_line_and_adds_nothing(tmp_path: Path) -> None:
    file, store = tmp_path / "rows.jsonl", tmp_path / "f.sqlite3"
    file.write_text('{"text": "Shares rose.", "label": "positive"}\n')
    with pytest.raises(ValueError, match="holds no feedback: 1 a text or label and no answer to a question"):
        import_feedback(store, file)
    file.write_text('{"prompt": "Why?", "completion": "So.", "label": true}\n{"prompt": "Why?"}\n')
    with pytest.raises(ValueError, match="rows.jsonl:2"):
        import_feedback(store, file)
    assert read_feedback(store) == []
    assert import_feedback(store, file, allow=["bad_rows"]).added == 1
