"""A better adapter takes the place at once, the one before is never lost, and a crash leaves a whole one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from adapter_folders import make_adapter

from finetune.adapters import list_adapters, read_card
from finetune.version_log import Change
from finetune.versions import home_of, promote, recover, rollback, versions

Adapter = Callable[[str], Path]


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    """adapter("first") is a folder of that name; its weights say so too."""
    return lambda name: make_adapter(tmp_path / name, name)


def weights(folder: Path) -> str:
    return (folder / "weights.txt").read_text("utf-8")


def kept(current: Path) -> dict[int | None, str]:
    return {one.number: weights(one.path) for one in versions(current)}


def test_a_promoted_adapter_takes_the_place_and_the_one_before_is_kept_with_its_card(
    adapter: Adapter,
) -> None:
    current, candidate = adapter("old"), adapter("new")
    done = promote(candidate, current, why="better", metrics={"preference": 0.8}, source="rounds/0001")
    assert (done.number, done.replaced) == (2, 1) and not candidate.exists()
    assert weights(current) == "new" and kept(current) == {1: "old", 2: "new"}
    before, after = versions(current)
    assert (before.in_place, after.in_place) == (False, True) and before.card.data_hash == "old"
    assert after.change is not None and (after.change.why, after.change.source) == ("better", "rounds/0001")
    assert after.change.metrics == {"preference": 0.8} and after.change.time.endswith("+00:00")


def test_the_first_of_all_needs_nothing_to_replace(adapter: Adapter, tmp_path: Path) -> None:
    current = tmp_path / "deep" / "place"
    assert promote(adapter("new"), current).replaced is None
    assert kept(current) == {1: "new"}
    with pytest.raises(ValueError, match=r"Version 1 of '.*' replaced none; no other is kept"):
        rollback(current)


def test_rolling_back_follows_what_was_replaced_and_any_number_can_be_named(adapter: Adapter) -> None:
    current = adapter("one")
    promote(adapter("two"), current)
    promote(adapter("three"), current)
    assert rollback(current, why="wrong tone").number == 2 and weights(current) == "two"
    assert rollback(current).number == 1 and weights(current) == "one"
    assert rollback(current, to=3).replaced == 1 and weights(current) == "three"
    assert kept(current) == {1: "one", 2: "two", 3: "three"}
    log = json.loads((home_of(current) / "log.json").read_text("utf-8"))
    assert [(one["action"], one["number"], one["why"]) for one in log["changes"][3:]] == [
        ("rolled back", 2, "wrong tone"), ("rolled back", 1, ""), ("rolled back", 3, ""),
    ]  # fmt: skip
    assert promote(adapter("four"), current) == Change(
        action="promoted",
        number=4,
        replaced=3,
        time=versions(current)[3].change.time,  # type: ignore[union-attr]
    )


def test_a_version_that_is_not_there_is_refused_with_those_that_are(adapter: Adapter, tmp_path: Path) -> None:
    current = adapter("one")
    with pytest.raises(ValueError, match="has no other versions"):
        rollback(current)
    promote(adapter("two"), current)
    with pytest.raises(ValueError, match=r"no version 7; choose one of \[1\]"):
        rollback(current, to=7)
    with pytest.raises(ValueError, match="Version 2 is in place already"):
        rollback(current, to=2)
    with pytest.raises(FileNotFoundError, match="No adapter at"):
        promote(tmp_path / "none", current)
    assert weights(current) == "two"


def test_an_adapter_that_was_trained_over_or_copied_by_hand_gets_a_number_of_its_own(
    adapter: Adapter, tmp_path: Path
) -> None:
    current = adapter("one")
    promote(adapter("two"), current)
    shutil.rmtree(current)
    shutil.copytree(home_of(current) / "0001", current)  # its number is in there too
    promote(adapter("three"), current)
    assert kept(current) == {1: "one", 3: "one", 4: "three"}
    shutil.rmtree(current)
    make_adapter(current, "trained again")
    assert kept(current)[None] == "trained again"
    promote(adapter("five"), current)
    assert kept(current) == {1: "one", 3: "one", 5: "trained again", 6: "five"}


def test_a_deleted_adapter_comes_back(adapter: Adapter) -> None:
    current = adapter("one")
    promote(adapter("two"), current)
    shutil.rmtree(current)
    assert rollback(current, to=1).replaced is None and weights(current) == "one"


def test_a_reader_never_finds_the_place_empty(adapter: Adapter) -> None:
    current, stop = adapter("one"), threading.Event()
    seen: set[str] = set()
    missing: list[Exception] = []

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(read_card(current).data_hash)
            except (OSError, ValueError) as error:
                missing.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    promote(adapter("two"), current)
    for _ in range(20):
        rollback(current, to=1)
        rollback(current, to=2)
    stop.set()
    reader.join()
    assert missing == [] and seen <= {"one", "two"}


KILLED = """
import os, signal, sys
from pathlib import Path
from finetune import versions
last, exchanges = int(sys.argv[1]), sys.argv[2] == "yes"
if not exchanges:  # as on a system without such a call
    versions.exchange = lambda first, second: False
renames = 0
def watch(event, args):
    global renames
    if event == "os.rename":
        renames += 1
        if renames == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
versions.promote(Path("new"), Path("old"))
"""


@pytest.mark.parametrize("exchanges", ["yes", "no"])
def test_killed_before_any_of_its_renames_a_promotion_leaves_a_whole_adapter_and_loses_none(
    tmp_path: Path, exchanges: str
) -> None:
    for last in range(1, 30):
        here = tmp_path / str(last)
        current, candidate = make_adapter(here / "old", "old"), make_adapter(here / "new", "new")
        command = [sys.executable, "-c", KILLED, str(last), exchanges]
        done = subprocess.run(command, cwd=here, check=False, env=_environment())
        if exchanges == "yes":
            assert weights(current) in ("old", "new")  # before anything is mended
        assert read_card(current).data_hash in ("old", "new") and recover(current)
        if candidate.exists():
            promote(candidate, current)
        assert sorted(kept(current).values()) == ["new", "old"] and weights(current) == "new"
        assert rollback(current).replaced and weights(current) == "old"
        if done.returncode == 0:
            break
    assert done.returncode == 0 and last > 6  # every rename was tried


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_candidate_on_another_disk_is_copied_whole(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, candidate, plain = adapter("one"), adapter("two"), Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path == candidate:
            raise OSError(18, "Invalid cross-device link")
        return plain(path, target)

    monkeypatch.setattr(Path, "rename", refuse)  # stands for the second disk
    promote(candidate, current)
    assert weights(current) == "two" and not candidate.exists()
    assert not (home_of(current) / ".coming").exists()


def test_versions_are_no_adapters_of_their_own(adapter: Adapter, tmp_path: Path) -> None:
    current = adapter("one")
    promote(adapter("two"), current)
    assert [path for path, _ in list_adapters(tmp_path)] == [current]
    assert [path.name for path, _ in list_adapters(home_of(current))] == ["0001"]


def test_a_damaged_log_is_one_line_that_says_what_is_still_whole(adapter: Adapter) -> None:
    current = adapter("one")
    promote(adapter("two"), current)
    (home_of(current) / "log.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match="is damaged .* the versions beside it are whole"):
        rollback(current)
    assert weights(current) == "two"
