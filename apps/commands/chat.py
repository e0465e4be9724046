"""`advisor chat`: the application in the browser, on this machine alone."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from apps.commands.ask import add_answering
from apps.commands.serve import listen

PORT = 8501
HOST = "127.0.0.1"
# Flags and not a config.toml: they hold wherever the package is installed and whatever the current folder is.
LOOK = {
    "theme.base": "light",
    "theme.primaryColor": "#0f766e",
    "theme.backgroundColor": "#fdfcfa",
    "theme.secondaryBackgroundColor": "#f3f1ec",
    "theme.textColor": "#1f2933",
    "theme.baseRadius": "medium",
    "theme.baseFontSize": "15",
    "theme.headingFontSizes": '["2rem","1.75rem","1.3rem"]',
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": "false",
    "server.address": HOST,
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",
}
_HANDED_ON = ("index", "model", "adapter", "api_base", "k")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_answering(parser)
    parser.add_argument("--port", type=int, default=PORT, help=f"port of the page (default {PORT})")
    parser.add_argument("--headless", action="store_true", help="open no browser")


def run(args: argparse.Namespace) -> int:
    for name in ("streamlit", "altair", "pandas"):
        if find_spec(name) is None:
            raise ImportError(f"The application needs {name}: pip install 'llm-adaptation-advisor[chat]'")
    from apps.settings import load_settings

    load_settings(vars(args))  # a mistake in advisor.toml is told here, not in the browser
    listen(HOST, args.port).close()  # a port in use is one clear line
    print(f"Open http://{HOST}:{args.port} in a browser; Ctrl-C stops.", flush=True)
    process = subprocess.Popen(command(args.port, args.headless), env=environment(vars(args), os.environ))
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        status = process.wait()
    except KeyboardInterrupt:  # the terminal sent it to both
        process.wait()
        return 0
    return 0 if status in (0, -signal.SIGTERM, 128 + signal.SIGTERM) else 1


def command(port: int, headless: bool) -> list[str]:
    """The command line that starts Streamlit with this program's look and no word to anyone outside."""
    flags = LOOK | {"server.port": str(port), "server.headless": str(headless).lower()}
    page = Path(__file__).parents[1] / "ui" / "app.py"
    look = (f"--{name}={value}" for name, value in flags.items())
    return [sys.executable, "-m", "streamlit", "run", str(page), *look]


def environment(flags: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the page, in which `load_settings` finds the flags of this command."""
    given = {
        f"ADVISOR_{name.upper()}": str(flags[name]) for name in _HANDED_ON if flags.get(name) is not None
    }
    return {**environ, **given}
