"""Keeps back what the training libraries warn of one another; the person can mend none of it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGS = ("transformers", "bitsandbytes")


@contextmanager
def without_library_warnings() -> Iterator[None]:
    """Renamed arguments between transformers and peft are not said, nor what the libraries log of their own
    parts; every other warning is."""
    levels = {name: logging.getLogger(name).level for name in LOGS}
    for name in LOGS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\b")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
