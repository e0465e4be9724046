"""The command line itself: names, help, one line for a mistake, and what is left of a closed pipe."""

from __future__ import annotations

import argparse
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.cheap_text import READERS
from apps.cli import COMMANDS, main
from rag.loaders import LOADERS

ROOT = Path(__file__).parents[2]


def start(
    *argv: str, stdout: int, stderr: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen([sys.executable, "-m", "apps.cli", *argv], env=env, stdout=stdout, stderr=stderr)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type:
    """A command "fail" in the table, whose module raises what it is told to."""

    class Failing:
        error: BaseException = ValueError("x")

        @staticmethod
        def add_arguments(parser: argparse.ArgumentParser) -> None:
            pass

        @classmethod
        def run(cls, args: argparse.Namespace) -> int:
            raise cls.error

    monkeypatch.setitem(sys.modules, "failing_command", Failing)  # type: ignore[arg-type]
    monkeypatch.setitem(COMMANDS, "fail", ("failing_command", "fails"))
    return Failing


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0
    words = " ".join(said.split())
    assert all(f" {name} {line}" in words for name, (_, line) in COMMANDS.items())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0 and f"usage: advisor {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["recomend"], "invalid choice: 'recomend' (choose from"),
        ([], "the following arguments are required: COMMAND; see 'advisor --help'"),
        (["index"], "the following arguments are required: --out; see 'advisor index --help'"),
        (["search", "x", "--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_a_command_line_that_is_none_is_one_line(
    argv: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    said = capsys.readouterr()
    assert (stop.value.code, said.out, said.err.count("\n")) == (2, "", 1) and part in said.err


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"advisor {version('llm-adaptation-advisor')}\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines"), "two lines"),
        (ImportError("needs x: pip install y"), "needs x: pip install y"),
        (
            OSError(errno.ENOSPC, "No space left on device", "a.bin"),
            "'a.bin': the disk is full; free some space",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.bin"),
            "'a.bin': permission denied; check the path",
        ),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    failing: type, error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = error  # type: ignore[attr-defined]
    assert main(["fail"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"advisor: {line}") and said.err.count("\n") == 1 and said.out == ""


def test_ctrl_c_is_status_130_and_says_that_work_is_kept(
    failing: type, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = KeyboardInterrupt()  # type: ignore[attr-defined]
    assert main(["fail"]) == 130
    assert capsys.readouterr().err == (
        "advisor: Interrupted; what was done is kept. Run the same command again to go on.\n"
    )


def test_debug_shows_where_a_mistake_came_from(failing: type) -> None:
    failing.error = ValueError("deep down")  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="deep down"):
        main(["fail", "--debug"])


def test_a_fault_of_the_program_is_not_dressed_up_as_the_persons(failing: type) -> None:
    failing.error = ZeroDivisionError()  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        main(["fail"])


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("recommend", "--vram", "24", stdout=write)
    os.close(write)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_onto_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("recommend", "--questions", stdout=full.fileno())
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 2 and b"the disk is full" in complaint and complaint.count(b"\n") == 1


def test_a_terminal_without_block_characters_gets_the_plan_all_the_same() -> None:
    process = start("recommend", "--vram", "24", stdout=subprocess.PIPE, PYTHONIOENCODING="ascii")
    out, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, b"") and out.startswith(b"Recommended: ")


def test_what_can_be_profiled_can_be_indexed_and_the_other_way_round() -> None:
    assert set(READERS) == set(LOADERS)


@pytest.mark.parametrize(
    ("lacking", "command", "extra"),
    [
        ("numpy", ["search", "x", "--index", "INDEX"], "rag"),
        ("torch", ["ask", "x", "--model", "MODEL"], "train"),
    ],
)
def test_a_missing_library_names_the_extra_that_brings_it(
    lacking: str, command: list[str], extra: str, tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.modules[{lacking!r}] = None; from apps.cli import main; sys.exit(main({command!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"advisor: This needs {lacking}: pip install 'llm-adaptation-advisor[{extra}]'\n"
