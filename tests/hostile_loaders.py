"""Loaders that do in a worker process what a hostile file may do to a parser; named by tests, never by the program."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from rag.loaders import pace
from rag.schema import Document, Page


def hang(path: Path, source: str) -> Document:
    time.sleep(600)
    raise AssertionError


def hang_but_tell(path: Path, source: str) -> Document:
    for _ in range(8):
        time.sleep(0.25)
        pace.step_done()
    return Document(text="eight pages", source=source)


def swell(path: Path, source: str) -> Document:
    return Document(text="x" * (8 << 30), source=source)


def crash(path: Path, source: str) -> Document:
    return Document(text=str(ctypes.string_at(0)), source=source)


def kill(path: Path, source: str) -> Document:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def lie(path: Path, source: str) -> Document:
    return Document(text="short", source=source, pages=(Page(number=1, start=0, end=10_000),))


def chatter(path: Path, source: str) -> Document:
    print("a line of a library that thinks that it may print")
    os.write(1, b"and one from C")
    return Document(text="read all the same", source=source)


def tell_environment(path: Path, source: str) -> Document:
    return Document(
        text=" ".join(sorted(os.environ)) + f" main={sys.modules['__main__'].__dict__.get('SECRET')}",
        source=source,
    )
