"""Every command in a ```bash block of the READMEs runs as written, only into another build folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from apps.cli import main

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "examples/finance/README.md", "examples/medical/README.md")


def commands(readme: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and line[0] == "advisor"]


@pytest.mark.slow
@pytest.mark.parametrize("readme", READMES)
def test_the_commands_of_a_readme_run(
    readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    found = commands(readme)
    assert len(found) >= 3
    done: set[str] = set()
    for command in found:
        if command[1] == "train" and readme != READMES[0]:
            continue  # the same command as in the first README
        arguments = [re.sub(r"^build/", f"{tmp_path}/", word) for word in command[1:]]
        assert main(arguments) == 0, command
        assert capsys.readouterr().out.strip(), command
        done.add(command[1])
    assert {"recommend", "index", "ask"} <= done


def test_the_first_readme_names_every_command() -> None:
    from apps.cli import COMMANDS

    text = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"advisor {name}" not in text] == []


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[0]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "refunds.md").write_text("# Refunds\n\nThe refund window is thirty days.\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert "thirty days" in names["answer"].text  # type: ignore[attr-defined]
