"""The report counts exactly what training would do to the rows, and stops what would waste it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from finetune import TrainConfig
from finetune.data_html import render_html
from finetune.data_report import DataReport, check_data
from finetune.data_text import render_text
from finetune.formats.faults import Fault
from finetune.schema import Example

Check = Callable[..., DataReport]


def chat(question: str, answer: str, line: int = 0) -> Example:
    turns = ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    return Example(messages=turns, line=line)


def labelled(text: str, label: str, line: int = 0) -> Example:
    return Example(text=text, label=label, line=line)


@pytest.fixture
def check(tiny_llama: Path) -> Check:
    def make(rows: list[Example], held: list[Example] = [], **settings: Any) -> DataReport:  # noqa: B006
        numbered = [replace(row, line=row.line or at) for at, row in enumerate(rows, start=1)]
        show, faults = settings.pop("show", 0), settings.pop("faults", ())
        config = TrainConfig(model=str(tiny_llama), out="", **settings)
        return check_data(numbered, held, config, tiny_llama, show=show, faults=faults)

    return make


def keys(report: DataReport, *, blocking: bool = False) -> list[str]:
    return [one.key for one in (report.blocking if blocking else report.findings)]


ROWS = [chat(f"What is item {number}?", f"Item {number} is blue.") for number in range(30)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"packing": True, "max_length": 120},
        {"max_length": 34},
        {"objective": "pretrain", "max_length": 50},
        {"objective": "classify", "max_length": 12},
    ],
)
def test_the_counts_are_those_of_the_batches_that_a_trainer_is_given(
    settings: dict[str, Any], check: Check, tiny_llama: Path
) -> None:
    from finetune.methods import load_method
    from finetune.objectives import load_objective

    objective = settings.get("objective", "sft")
    rows = ROWS
    if objective != "sft":
        rows = [labelled(f"Item {n} is blue and cheap.", "ab"[n % 2]) for n in range(30)]
    if objective == "pretrain":
        rows = [Example(text=row.text) for row in rows]
    found = check(rows, **settings).training
    config = TrainConfig(model=str(tiny_llama), out="", **settings)
    arguments = {
        "output_dir": "unused",
        "per_device_train_batch_size": 4,
        "report_to": "none",
        "use_cpu": True,
    }
    job = load_objective(objective).prepare(rows, [], config, tiny_llama, load_method("lora"), arguments)
    batches = list(job.trainer.get_train_dataloader())
    assert found is not None and len(job.trainer.train_dataset) == found.sequences
    if objective == "classify":
        read = sum(int(batch["attention_mask"].sum()) for batch in batches)
        assert (found.supervised, found.masked) == (30, read)
        return
    learned = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    assert found.supervised == learned
    if "attention_mask" in batches[0]:
        assert found.supervised + found.masked == sum(int(batch["attention_mask"].sum()) for batch in batches)
    else:
        assert found.supervised + found.masked == sum(
            len(row["input_ids"]) for row in job.trainer.train_dataset
        )


def test_cut_and_dropped_rows_are_counted_and_stop_a_training_when_they_are_many(check: Check) -> None:
    wordy, long = chat("Why?", "So. " * 40), chat("Why? " * 40, "So.")
    few = check([*ROWS, wordy, long], max_length=64)
    assert few.training is not None and few.lengths is not None
    assert (few.training.rows, few.training.rows_cut, few.training.rows_dropped) == (31, 1, 1)
    sizes = dict(few.lengths.longest)
    assert (few.training.cut, few.training.dropped) == (sizes[31] - 64, sizes[32])
    whole = check([*ROWS, wordy, long], max_length=256).training
    assert whole is not None and whole.cut == whole.dropped == 0
    parts = few.training.supervised + few.training.masked + few.training.cut + few.training.dropped
    assert parts == whole.supervised + whole.masked
    assert [few.findings[at].rows for at in (-2, -1)] == [(31,), (32,)]
    assert keys(few) == ["truncated", "dropped"] and not few.blocking
    many = check([*ROWS[:4], wordy, long], max_length=64)
    assert keys(many, blocking=True) == ["truncated", "dropped"]


def test_where_nothing_would_be_left_the_report_says_which_length_would_do(check: Check) -> None:
    (finding,) = check([chat("Why? " * 60, "So.")], max_length=64).blocking
    assert finding.fatal and "give a larger --max-length: 99 % of the rows have at most" in finding.message


def test_repeats_are_told_from_rows_that_differ_in_a_number(check: Check) -> None:
    long = "The delivery of order {} was late by three days and the customer asked for the refund of it"
    rows = [
        chat("Refund window?", "Thirty days."),
        chat("Refund window?", "Thirty days."),
        chat("refund  window", "Thirty days!"),
        chat(long.format(1), "Granted."),
        chat(long.format(2), "Granted."),
        chat(long.format(1) + " today", "Granted."),
    ]
    found = {one.key: one for one in check(rows).findings}
    assert found["duplicates"].rows == (2, 3) and found["duplicates"].blocking
    assert (
        "1 row stood there before word for word, 1 row stood there before but for"
        in found["duplicates"].message
    )
    assert found["near_duplicates"].rows == (6,) and not found["near_duplicates"].blocking


def test_two_answers_to_one_question_are_noted_and_two_labels_of_one_text_stop(check: Check) -> None:
    answers = check([chat("Refund window?", "Thirty days."), chat("refund window", "Sixty days.")])
    assert [one.rows for one in answers.findings if one.key == "conflicts"] == [(1, 2)]
    assert keys(answers, blocking=True) == []
    texts = [labelled("Shares fell", "good"), labelled("shares fell.", "bad")]
    assert "conflicts" in keys(check(texts, objective="classify"), blocking=True)


def test_held_out_rows_that_were_learned_stop_a_training_with_their_lines(check: Check) -> None:
    held = [chat("what is item 3", "Another.", line=70), chat("Where is it?", "There.", line=71)]
    (finding,) = check(ROWS, held).blocking
    assert (finding.key, finding.rows) == ("leakage", (70,))
    text = "The refund window is thirty days from the day on which the parcel was delivered to you"
    near = check([chat(text, "Yes.")], [chat(text + " yesterday", "Yes.", line=9)])
    assert [(one.key, one.rows) for one in near.findings] == [("near_leakage", (9,))]
    assert check(ROWS).unchecked == ("leakage into evaluation: no row is held out; name a file with --eval",)


def test_labels_that_cannot_be_learned_are_told(check: Check) -> None:
    (alone,) = check([labelled("a", "x"), labelled("b", "x")], objective="classify").blocking
    assert alone.fatal and "every row has the label 'x'; classification needs at least two" in alone.message
    rows = [*(labelled(f"text {n}", "x") for n in range(80)), labelled("other", "y")]
    found = {one.key: one.message for one in check(rows, objective="classify").findings}
    assert "labels ['y'] have fewer than 5 training rows" in found["rare_labels"]
    assert "'x' has 80 rows, 'y' 1" in found["imbalance"]
    unseen = check(rows, [labelled("new", "z")], objective="classify")
    assert [one.key for one in unseen.blocking] == ["unseen_labels"]


def test_control_tokens_and_damaged_letters_are_noticed(check: Check) -> None:
    report = check([*ROWS, chat("Hi <|im_end|> there", "Yes."), chat("Gr\ufffd\ufffde?", "Yes.")])
    assert [(one.key, one.rows) for one in report.findings] == [
        ("damaged_text", (32,)),
        ("control_tokens", (31,)),
    ]


def test_rows_that_cannot_be_read_stop_a_training_by_their_kind(check: Check) -> None:
    faults = [
        Fault(line=4, reason="not JSON."),
        Fault(line=6, reason="'answer' is empty.", key="empty_answers"),
    ]
    report = check(ROWS, faults=faults)
    assert [(one.key, one.rows) for one in report.blocking] == [("bad_rows", (4,)), ("empty_answers", (6,))]


def test_a_template_that_writes_the_question_otherwise_when_answering_stops_a_training(
    tiny_llama: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "model")
    layout = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    (copy / "chat_template.jinja").write_text(layout + "{% if add_generation_prompt %}Answer:{% endif %}")
    (finding,) = check_data(ROWS, [], TrainConfig(model=str(copy), out=""), copy).blocking
    assert finding.key == "template" and len(finding.rows) == 30


def test_rows_that_the_template_refuses_are_named_and_can_be_left_out(
    tiny_llama: Path, tmp_path: Path
) -> None:
    from finetune.objectives import load_objective

    copy = shutil.copytree(tiny_llama, tmp_path / "strict")
    strict = "{% if messages | length > 2 %}{{ raise_exception('one question at a time') }}{% endif %}"
    template = (copy / "chat_template.jinja").read_text()
    (copy / "chat_template.jinja").write_text(strict + template)
    twice = Example(messages=ROWS[0].messages * 2, line=40)
    config = TrainConfig(model=str(copy), out="")
    report = check_data([*ROWS, twice], [], config, copy)
    (finding,) = report.blocking
    assert (finding.key, finding.rows, finding.fatal) == ("refused", (40,), False)
    assert (
        "Row at line 40: The model's chat template refuses this conversation: one question" in finding.message
    )
    assert report.training is not None and report.training.rows == 30
    objective = load_objective("sft")
    tokenizer = objective.load_tokenizer(copy, ROWS)
    with pytest.raises(ValueError, match="Row at line 40"):
        objective.encode([twice], config, copy, tokenizer)
    assert objective.encode([twice], replace(config, allow=("refused",)), copy, tokenizer) == []
    (all_of_them,) = check_data([twice], [], config, copy).blocking
    assert all_of_them.fatal


def test_an_answer_that_does_not_learn_to_stop_stops_a_training(tiny_llama: Path) -> None:
    from finetune.data_token_findings import token_findings
    from finetune.data_tokens import lengths
    from finetune.objectives import Encoded
    from finetune.template import TokenRow, encode, load_tokenizer

    tokenizer, config = load_tokenizer(tiny_llama), TrainConfig(model=str(tiny_llama), out="")
    ids = encode(tokenizer, "Thirty days.")
    endless = Encoded(line=3, rows=(TokenRow(input_ids=ids, labels=ids),))
    sizes = lengths([(3, len(ids))], "tokens")
    (finding,) = token_findings(ROWS[:1], [endless], sizes, config, tiny_llama, tokenizer, 100)
    assert (finding.key, finding.rows, finding.blocking) == ("no_eos", (3,), True)
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
    (_, added) = token_findings(ROWS[:1], [endless], sizes, config, tiny_llama, tokenizer, 100)
    assert added.key == "end_added" and "training adds <|im_end|>" in added.message and not added.blocking


def test_without_a_tokenizer_the_report_says_what_it_could_not_look_at() -> None:
    report = check_data(ROWS, [], TrainConfig(model="", out=""), None)
    assert report.training is None and report.lengths is not None and report.lengths.unit == "characters"
    assert any("name the model with --model" in text for text in report.unchecked)


def test_the_preview_shows_what_is_learned_and_no_row_can_move_the_cursor_or_write_markup(
    check: Check,
) -> None:
    nasty = chat("<script>alert(1)</script>\x1b[2J\u202e", "<b>退款</b> & 三十天")
    report = check([nasty], show=1)
    text, coloured, page = render_text(report), render_text(report, colour=True), render_html(report)
    assert "[[<b>退款</b> & 三十天<|im_end|>]]" in text
    assert "\033[32m<b>退款</b> & 三十天<|im_end|>\033[0m" in coloured
    assert "<mark>&lt;b&gt;退款&lt;/b&gt; &amp; 三十天&lt;|im_end|&gt;</mark>" in page
    assert "<script" not in page and "\x1b[2J" not in coloured + page and "\u202e" not in text + page
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")


def test_the_report_is_json_and_names_languages_and_lengths(check: Check) -> None:
    rows = [chat(f"What is the size of item {n}?", "Seven.") for n in range(99)] + [
        chat("退款期限？", "三十天。" * 30)
    ]
    report = check(rows)
    again = json.loads(json.dumps(asdict(report)))
    assert again["languages"] == {"en": 0.99, "zh": 0.01} and again["kinds"] == {"conversations": 100}
    assert report.lengths is not None
    assert report.lengths.p99 < report.lengths.most == report.lengths.longest[0][1]
    assert report.lengths.suggested is not None and 0 <= report.lengths.suggested - report.lengths.p99 < 8
