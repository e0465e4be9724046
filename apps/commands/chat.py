"""`advisor chat`: the application in the browser, on this machine alone."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

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
    "server.headless": "true",  # otherwise Streamlit advertises tools for developers on the page; we open the browser
    "logger.hideWelcomeMessage": "true",
}
_HANDED_ON = ("index", "model", "adapter", "api_base", "k", "domain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_answering(parser)
    parser.add_argument("--port", type=int, default=PORT, help=f"port of the page (default {PORT})")
    parser.add_argument("--headless", action="store_true", help="open no browser")


def run(args: argparse.Namespace) -> int:
    for name in ("streamlit", "altair", "pandas", "sqlalchemy"):
        if find_spec(name) is None:
            raise ImportError(f"The application needs {name}: pip install 'llm-adaptation-advisor[chat]'")
    from apps.settings import load_settings

    load_settings(vars(args))  # a mistake in advisor.toml is told here, not in the browser
    listen(HOST, args.port).close()  # a port in use is one clear line
    print(f"Open http://{HOST}:{args.port} in a browser; Ctrl-C stops.", flush=True)
    process = subprocess.Popen(command(args.port), env=environment(vars(args), os.environ))
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    if not args.headless:
        Thread(target=open_browser, args=(args.port,), daemon=True).start()
    try:
        status = process.wait()
    except KeyboardInterrupt:  # the terminal sent it to both
        process.wait()
        return 0
    return 0 if status in (0, -signal.SIGTERM, 128 + signal.SIGTERM) else 1


def open_browser(
    port: int, patience_s: float = 20.0, show: Callable[[str], object] = webbrowser.open
) -> None:
    """Opens the page once it answers; nothing where it never does."""
    stop = time.monotonic() + patience_s
    while time.monotonic() < stop:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            show(f"http://{HOST}:{port}")
            return
        time.sleep(0.2)


def command(port: int) -> list[str]:
    """The command line that starts Streamlit with this program's look and no word to anyone outside."""
    flags = LOOK | {"server.port": str(port)}
    page = Path(__file__).parents[1] / "ui" / "app.py"
    look = (f"--{name}={value}" for name, value in flags.items())
    return [sys.executable, "-m", "streamlit", "run", str(page), *look]


def environment(flags: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the page, in which `load_settings` finds the flags of this command."""
    given = {
        f"ADVISOR_{name.upper()}": str(flags[name]) for name in _HANDED_ON if flags.get(name) is not None
    }
    return {**environ, **given}
