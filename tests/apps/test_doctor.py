"""The doctor names what is missing and the command that mends it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from apps.cli import main
from apps.commands.doctor import EXTRAS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def examine(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["doctor", "--json"]) == 0
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)}


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Modules that this list names are not to be found, as where their extra was never installed."""
    missing: list[str] = []
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else real(name))
    return missing


def test_where_everything_is_installed_every_extra_works(capsys: pytest.CaptureFixture[str]) -> None:
    checks = examine(capsys)
    assert all(checks[f"[{name}]"]["works"] and not checks[f"[{name}]"]["cure"] for name in EXTRAS)
    assert checks["Python"]["works"] and checks["MiniLM"]["detail"] == "weights are the official ones"


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_a_missing_extra_is_named_with_its_cure(
    extra: str, without: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    without.append(EXTRAS[extra][1][-1])
    check = examine(capsys)[f"[{extra}]"]
    assert not check["works"] and f"missing {without[0]}" in str(check["detail"])
    assert check["cure"] == f"pip install 'llm-adaptation-advisor[{extra}]'"


def test_without_tokenizers_minilm_is_not_looked_at(
    without: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    without.append("tokenizers")
    check = examine(capsys)["MiniLM"]
    assert (check["works"], check["detail"]) == (False, "not looked at") and "[rag]" in str(check["cure"])


def test_a_disk_that_is_nearly_full_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")(1 << 40, 1 << 40, 1 << 29)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    check = examine(capsys)["Disk"]
    assert (check["works"], check["detail"]) == (False, "0.5 GiB free here") and check["cure"]


def test_on_the_terminal_every_cure_stands_below_its_ill(
    without: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    without.append("streamlit")
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("no   [chat]: the application: missing streamlit")
    assert lines[place + 1] == "     pip install 'llm-adaptation-advisor[chat]'"


def test_the_doctor_knows_every_extra_a_person_can_install() -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"all", "dev"}
