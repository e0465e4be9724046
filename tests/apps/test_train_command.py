"""`advisor train`: what it will do, what it did, and the status that a script can trust."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.cli import main
from apps.predicted_memory import predicted_memory
from apps.train_text import render_result
from apps.training_rows import training_rows
from finetune import AdapterCard, TrainConfig, TrainResult, load_examples, read_card
from rag import build_index
from tests.apps.grounded_world import town_questions, town_texts
from tests.conftest import save_tiny_model


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rows") / "questions.jsonl"
    rows = [{"question": f"What is item {n}?", "answer": f"Item {n} is blue."} for n in range(24)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def card(**fields: object) -> AdapterCard:
    fixed: dict[str, object] = {
        "base_model": "m", "base_hash": "", "method": "lora", "objective": "sft", "trainable_params": 5,
        "total_params": 100, "rows": 9, "data_hash": "", "metrics_before": {"loss": 2.0},
        "metrics_after": {"loss": 1.5}, "config": {"out": "o"}, "libraries": {}, "created": "",
    }  # fmt: skip
    return AdapterCard(**{**fixed, **fields})  # type: ignore[arg-type]


def said_of(**fields: object) -> str:
    return render_result(TrainResult(path="o", card=card(**fields), seconds=3.0, steps=2))


def gain(low: float, high: float) -> dict[str, float]:
    return {"before": 0.2, "after": 0.3, "difference": 0.1, "rows": 20.0, "low": low, "high": high}


def test_a_gain_shows_its_interval_and_chance_is_called_no_significant_gain() -> None:
    clear, chance = (
        said_of(gains={"rouge_l": gain(0.05, 0.15)}),
        said_of(gains={"rouge_l": gain(-0.05, 0.25)}),
    )
    assert "rouge l: 0.200 before, 0.300 after (+0.100; 95 % interval +0.050 to +0.150 over 20 rows)" in clear
    assert "over 20 rows; no significant gain)" in chance and "no significant" not in clear
    assert "significantly worse" in said_of(gains={"loss": gain(0.05, 0.15)})


def test_the_summary_says_what_it_cost_and_where_everything_lies() -> None:
    found = {
        "rows": 60,
        "loss_before": 2.0,
        "loss_after": 2.5,
        "rise": 0.5,
        "accuracy_before": 0.9,
        "accuracy_after": 0.5,
    }
    memory = {
        "predicted_gib": 1.2,
        "low_gib": 0.9,
        "high_gib": 1.5,
        "measured_gib": 1.1,
        "measured": "on the card",
    }
    said = said_of(forgetting=found, memory=memory)
    assert "memory: predicted peak 1.20 GiB (0.90 to 1.50), measured 1.10 GiB (on the card)" in said
    assert "2.000 before, 2.500 after (+0.500 nats per token; right 90% before, 50% after)" in said
    assert "picture: o/loss.svg" in said and said.endswith("Saved to o")
    assert said_of(set_aside="forgetting: too much").endswith("Set aside in o: forgetting: too much")
    assert "not defined for a classifier" in said_of(objective="classify")


def test_a_dry_run_shows_steps_and_memory_and_leaves_nothing(
    questions: Path, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", str(questions), "--model", str(tiny_llama), "--out", str(tmp_path / "a"), "--dry-run"]
    assert main([*line, "--batch-size", "4", "--accumulation", "2", "--epochs", "2"]) == 0
    said = capsys.readouterr().out
    assert "21 rows to learn · 3 held out" in said and "6 steps (3 an epoch) of 4 × 2 rows" in said
    assert "memory: predicted peak 0.00" in said and "Nothing was trained (--dry-run)." in said
    assert main([*line, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (
        plan["steps"] == 18 and plan["memory"]["low_gib"] < plan["memory"]["gib"] < plan["memory"]["high_gib"]
    )
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_wasteful_data_says_what_would_stop_and_how_to_go_on(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"question": f"What is {n}?", "answer": "word " * 90} for n in range(24)]
    file = tmp_path / "long.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    line = [
        "train",
        str(file),
        "--model",
        str(tiny_llama),
        "--out",
        str(tmp_path / "a"),
        "--max-length",
        "64",
    ]
    assert main([*line, "--dry-run"]) == 1
    said = capsys.readouterr().out
    assert "The data would waste the training: " in said and "--allow truncated" in said
    assert main(line) == 2
    assert "--allow truncated" in capsys.readouterr().err
    assert main([*line, "--dry-run", "--allow", "truncated", "--allow", "duplicates"]) == 0


def test_a_run_tells_loss_and_speed_as_it_goes_and_its_gains_at_the_end(
    questions: Path, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "adapter"
    line = ["train", str(questions), "--model", str(tiny_llama), "--out", str(out), "--max-steps", "4"]
    assert main([*line, "--metric-rows", "1", "--learning-rate", "0.01"]) == 0
    said = capsys.readouterr()
    assert (
        "note: predicted peak " in said.err and "train: 4 of 4, loss " in said.err and " tokens/s" in said.err
    )
    assert (
        "loss: " in said.out
        and "95 % interval" in said.out
        and "forgetting: loss on 60 general rows" in said.out
    )
    assert (out / "loss.svg").is_file() and (out / "metrics.jsonl").is_file()


def test_an_adapter_that_forgot_too_much_ends_with_status_1(
    questions: Path, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    general = tmp_path / "general.jsonl"
    general.write_text(json.dumps({"question": "What is item 3?", "answer": "zz"}) + "\n", "utf-8")
    line = [
        "train",
        str(questions),
        "--model",
        str(tiny_llama),
        "--out",
        str(tmp_path / "a"),
        "--method",
        "full",
    ]
    status = main([*line, "--max-steps", "30", "--learning-rate", "0.01", "--metric-rows", "0", "--json",
                   "--general", str(general), "--max-forgetting", "0.01"])  # fmt: skip
    result = json.loads(capsys.readouterr().out)
    assert status == 1 and result["path"].endswith("a.set-aside") and result["card"]["set_aside"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--report-to", "nosuch"], "Unknown --report-to 'nosuch'"),
        (["--replay", "1.5"], "replay is 1.5; it must lie between 0 and 1"),
        (["--max-forgetting", "-1"], "max_forgetting is -1.0"),
        (["--stop-on", "bleu"], "Unknown --stop-on 'bleu'; choose one of ['loss']"),
        (["--general", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--eval-steps", "0"], "eval_steps is 0; it must be at least 1"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    flags: list[str], part: str, questions: Path, tiny_llama: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "a"
    assert main(["train", str(questions), "--model", str(tiny_llama), "--out", str(out), *flags]) == 2
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1
    assert not out.exists()


def test_more_rows_longer_rows_and_full_tuning_need_more_memory(tiny_llama: Path) -> None:
    def gib(longest: int, **changes: object) -> float:
        found = predicted_memory(TrainConfig(model=str(tiny_llama), out="o", **changes), longest)  # type: ignore
        assert found is not None and found.low_gib < found.gib < found.high_gib
        return found.gib

    small = gib(64)
    assert small < gib(128) and small < gib(64, batch_size=8) and small < gib(64, method="full")
    assert gib(64, method="p_tuning_v2") > 0


def test_documents_of_any_kind_are_rows_to_pretrain_on(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Refunds</h1><p>Thirty days.</p>", "utf-8")
    (tmp_path / "note.txt").write_text("Opening hours are nine to five.", "utf-8")
    config = TrainConfig(model="m", out="o", objective="pretrain")
    rows = training_rows(str(tmp_path), config)
    assert len(rows) == 2 and any("Thirty days." in row.text for row in rows)
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    with pytest.raises(ValueError, match="torn.pdf.*--allow bad_rows"):
        training_rows(str(tmp_path), config)
    allowed = TrainConfig(model="m", out="o", objective="pretrain", allow=("bad_rows",))
    assert len(training_rows(str(tmp_path), allowed)) == 2


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file of questions, and an index of the documents that answer them."""
    place = tmp_path_factory.mktemp("towns")
    for source, text in town_texts().items():
        (place / "docs" / source).parent.mkdir(parents=True, exist_ok=True)
        (place / "docs" / source).write_text(text, "utf-8")
    rows = [
        {"question": r.messages[0]["content"], "answer": r.messages[1]["content"]} for r in town_questions()
    ]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    build_index(place / "docs", place / "index")
    return place / "pairs.jsonl", place / "index"


def test_a_grounded_run_tells_of_its_rows_writes_them_and_keeps_the_report_in_its_card(
    towns: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pairs, index), rows_file = towns, tmp_path / "rows.jsonl"
    model = save_tiny_model(tmp_path / "model", "llama", context=4096)
    line = f"train {pairs} --model {model} --out {tmp_path / 'a'} --general none".split()
    grounded = f"--ground {index} --distractors 1 --gold-share 1 --out-rows {rows_file}".split()
    assert main([*line, *grounded, "--max-steps", "1", "--metric-rows", "0"]) == 0
    said = capsys.readouterr().out
    assert "grounded 11 rows to learn: 11 with the passage that answers, 0 without it" in said
    made = read_card(tmp_path / "a").made_from
    assert made["way"] == "grounding" and made["index"] == str(index) and made["with_gold"] == 11
    rows = [json.loads(row) for row in rows_file.read_text("utf-8").splitlines()]
    assert len(rows) == 12 and {row["split"] for row in rows} == {"train", "test"}
    assert "[1]" in rows[0]["messages"][-1]["content"] or "[2]" in rows[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--distractors", "2"], "--distractors needs --ground INDEX"),
        (["--ground", "nowhere"], "nowhere"),
        (["--ground", "INDEX", "--gold-share", "2"], "gold_share is 2.0; choose a share above 0"),
        (["--ground", "INDEX", "--objective", "pretrain"], "'sft', not 'pretrain'"),
    ],
)
def test_a_mistake_in_grounding_is_one_line(
    flags: list[str],
    said: str,
    towns: tuple[Path, Path],
    tiny_llama: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(towns[1]) if flag == "INDEX" else flag for flag in flags]
    line = ["train", str(towns[0]), "--model", str(tiny_llama), "--out", str(tmp_path / "a")]
    assert main([*line, *given]) == 2
    told = capsys.readouterr().err
    assert said in told and len(told.strip().splitlines()) == 1


def test_rows_are_grounded_for_other_trainers_too(
    towns: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.jsonl"
    assert (
        main(
            ["ground", str(towns[0]), "--index", str(towns[1]), "--out", str(out), "--without-gold", "refuse"]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert f"12 rows written to {out}" in said and "without it (refuse)" in said
    assert [row.split for row in load_examples(out)].count("test") == 1
