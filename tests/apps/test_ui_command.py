"""`advisor chat` starts Streamlit on this machine alone, with its look and settings handed on."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from streamlit import config

from apps.commands.chat import LOOK, add_arguments, command, environment, open_browser, run
from apps.commands.serve import listen
from apps.settings import load_settings


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_page_listens_here_alone_and_tells_nobody() -> None:
    line = command(8600)
    assert Path(line[4]).is_file() and line[1:4] == ["-m", "streamlit", "run"]
    for flag in ("--server.address=127.0.0.1", "--browser.gatherUsageStats=false", "--server.headless=true"):
        assert flag in line


def test_every_part_of_the_look_is_an_option_of_streamlit() -> None:
    assert [name for name in LOOK if name not in config.get_config_options()] == []


def test_flags_reach_the_settings_of_the_page(tmp_path: Path) -> None:
    environ = environment(vars(parsed("--index", "build/a b", "-k", "3")), {"ADVISOR_INDEX": "old"})
    settings = load_settings(folder=tmp_path, environ=environ)
    assert (settings.index, settings.k, settings.model) == ("build/a b", 3, None)


def test_the_browser_opens_once_the_page_answers_and_not_before() -> None:
    opened: list[str] = []
    with listen("127.0.0.1", 0) as page:
        port = page.getsockname()[1]
        page.listen()
        open_browser(port, patience_s=5, show=opened.append)
    assert opened == [f"http://127.0.0.1:{port}"]
    open_browser(port, patience_s=0.3, show=opened.append)
    assert len(opened) == 1


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="is in use; give another with --port"):
        run(parsed("--port", str(taken.getsockname()[1])))
