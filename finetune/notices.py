"""Keeps back what the training libraries warn of one another; the person can mend none of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_library_warnings() -> Iterator[None]:
    """Renamed arguments among transformers, trl and peft are not said; every other warning is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl|peft)\b")
        yield
