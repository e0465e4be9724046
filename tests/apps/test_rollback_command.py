"""`advisor adapters rollback` brings an earlier version back, and `list` shows which there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from adapter_folders import make_adapter

from apps.cli import main
from finetune.versions import promote

RunLine = Callable[..., str]


@pytest.fixture
def current(tmp_path: Path) -> Path:
    """An adapter with two versions."""
    place = make_adapter(tmp_path / "adapter", "one")
    promote(make_adapter(tmp_path / "new", "two"), place, why="better on held-out feedback")
    return place


def test_the_list_shows_versions_below_their_adapter(run_line: RunLine, current: Path) -> None:
    lines = run_line(f"adapters list {current.parent}").splitlines()
    assert lines[0].startswith(f"{current}: lora · sft") and len(lines) == 3
    assert lines[1].startswith("  version 1: sft") and lines[1].endswith("stood there before")
    assert lines[2].startswith("  version 2, in place: ") and "better on held-out feedback" in lines[2]
    [row] = json.loads(run_line(f"adapters list {current.parent} --json"))
    assert [(one["number"], one["in_place"]) for one in row["versions"]] == [(1, False), (2, True)]


def test_rolling_back_says_what_is_there_now_and_how_to_return(run_line: RunLine, current: Path) -> None:
    said = run_line(f"adapters rollback {current} --why tone")
    assert said.strip() == f"Version 1 is in {current}; version 2 is kept (--to 2 brings it back)."
    assert (current / "weights.txt").read_text() == "one"
    back = json.loads(run_line(f"adapters rollback {current} --to 2 --json"))
    assert (back["number"], back["replaced"], back["action"]) == (2, 1, "rolled back")
    assert (current / "weights.txt").read_text() == "two"


def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], run_line: RunLine, current: Path, tmp_path: Path
) -> None:
    for line, said in (
        (f"adapters rollback {current} --to 9", "no version 9; choose one of [1]"),
        (f"adapters rollback {tmp_path / 'none'}", "has no other versions; they begin with"),
    ):
        assert main(line.split()) == 2
        error = capsys.readouterr().err.strip()
        assert said in error and "\n" not in error
    run_line(f"adapters rollback {current}")
    assert main(["adapters", "rollback", str(current)]) == 2
    assert "Version 1" in capsys.readouterr().err
