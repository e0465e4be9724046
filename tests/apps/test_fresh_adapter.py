"""Who serves goes over to a promoted adapter with the next answer, and back again after a rollback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapter_folders import make_adapter

from apps.assistant import Assistant
from apps.fresh_adapter import FreshAdapter
from finetune.versions import home_of, promote, rollback


class Written:
    """Answers with what its adapter's weights say."""

    context_tokens = 77

    def __init__(self, folder: Path) -> None:
        self.name, self.adapter = "base", str(folder)
        self._words = (folder / "weights.txt").read_text("utf-8")

    def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Iterator[str]:
        yield self._words
        yield f", still {self._words}"


@pytest.fixture
def current(tmp_path: Path) -> Path:
    return make_adapter(tmp_path / "adapter", "one")


def test_the_next_answer_is_written_by_the_adapter_in_place(current: Path, tmp_path: Path) -> None:
    assistant = Assistant(FreshAdapter(lambda: Written(current), current))
    assert assistant.ask("?").text == "one, still one"
    writing = iter(assistant.stream("?"))
    assert next(writing) == "one"
    promote(make_adapter(tmp_path / "new", "two"), current)
    assert next(writing) == ", still one"  # what was begun ends as it began
    answer = assistant.ask("?")
    assert answer.text == "two, still two" and answer.adapter == str(current)
    rollback(current)
    assert assistant.ask("?").text == "one, still one"


def test_nothing_is_loaded_again_while_nothing_changes(current: Path) -> None:
    loaded: list[str] = []

    def load() -> Written:
        loaded.append("again")
        return Written(current)

    fresh = FreshAdapter(load, current)
    for _ in range(3):
        list(fresh.stream([]))
    assert (fresh.name, fresh.context_tokens, len(loaded)) == ("base", 77, 1)


def test_an_adapter_that_is_gone_goes_on_answering(current: Path) -> None:
    fresh = FreshAdapter(lambda: Written(current), current)
    shutil.rmtree(current)
    assert "".join(fresh.stream([])) == "one, still one"
    assert not hasattr(fresh, "quotes")


def test_a_change_while_it_is_being_read_is_read_again(current: Path, tmp_path: Path) -> None:
    new = make_adapter(tmp_path / "new", "two")

    def load() -> Written:
        found = Written(current)
        if new.exists():
            promote(new, current)  # between the first and the last file
        return found

    assert "".join(FreshAdapter(load, current).stream([])) == "two, still two"
    assert home_of(current).is_dir()


def test_a_replacement_that_cannot_be_loaded_is_told_at_each_question_until_it_can(current: Path) -> None:
    broken = [ValueError("the adapter is damaged")]

    def load() -> Written:
        if broken and (current / "new").exists():
            raise broken[0]
        return Written(current)

    fresh = FreshAdapter(load, current)
    (current / "new").touch()
    (current / "adapter_card.json").write_text("{}", "utf-8")
    for _ in range(2):
        with pytest.raises(ValueError, match="is damaged"):
            list(fresh.stream([]))
    broken.clear()
    assert "".join(fresh.stream([])) == "one, still one"
