"""Which language a command speaks: what --lang says, else what the terminal's locale says."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import get_args

from advisor.phrase import Language

# The order in which POSIX programs ask for the language of their messages; Windows sets none of them.
_LOCALE_NAMES = ("LC_ALL", "LC_MESSAGES", "LANG")


def add_language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lang", choices=get_args(Language), help="language of the report (default: the terminal's locale)"
    )


def spoken_language(flag: str | None, environ: Mapping[str, str] | None = None) -> Language:
    """The flag where it is given, else Chinese in a Chinese locale, else English."""
    environ = os.environ if environ is None else environ
    wish = flag or next((environ[name] for name in _LOCALE_NAMES if environ.get(name)), "")
    return "zh" if wish.casefold().startswith("zh") else "en"
