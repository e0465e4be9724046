"""Runs command lines as a user types them, in plain English on a wide terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from apps.cli import main

RunLine = Callable[..., str]


@pytest.fixture
def run_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunLine:
    """run_line("fits --vram 24") is what was printed; with status=2, the error line."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "130")

    def run(line: str, status: int = 0) -> str:
        try:
            found = main(shlex.split(line))
        except SystemExit as stop:
            found = int(str(stop.code))
        said = capsys.readouterr()
        assert found == status
        return said.err if status else said.out

    return run
