"""Reads documents in worker processes with limits on time and memory, ahead of whoever consumes them.

A file that hangs, swells or breaks its parser costs that file: the worker is replaced and the rest goes on.
"""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from rag.loaders.archive import Member
from rag.loaders.overseer import Limits as Limits
from rag.loaders.overseer import Worker
from rag.schema import Document

if TYPE_CHECKING:
    from rag.candidates import Candidate

Read = tuple["Candidate", "Document | Exception"]
_WORKERS = 2  # keep an embedder busy; each may hold the 0.7 GiB of OCR, and all together stay below 2
_AHEAD_PER_WORKER = 3
_AHEAD_CHARACTERS = 20_000_000  # texts that wait to be taken may hold about this much together


def read_candidates(
    candidates: Iterable[Candidate], *, limits: Limits | None = None, workers: int | None = None
) -> Generator[Read, None, None]:
    """Every candidate with its document, or with the ValueError, OSError or ImportError that reading it gave.

    In the order of `candidates`, which are taken in the caller's thread, a few ahead of what is consumed.
    Documents that are given as they are pass through.
    """
    count = workers or min(_WORKERS, os.cpu_count() or 1)
    idle: queue.LifoQueue[Worker] = queue.LifoQueue()  # the last one used is the one that is warm
    team = [Worker(limits or Limits()) for _ in range(count)]
    for worker in team:
        idle.put(worker)
    ahead: deque[tuple[Candidate, Future[Document | Exception]]] = deque()
    waiting = iter(candidates)
    threads = ThreadPoolExecutor(count, thread_name_prefix="reader")
    try:
        while True:
            while len(ahead) < count * _AHEAD_PER_WORKER and _characters(ahead) < _AHEAD_CHARACTERS:
                candidate = next(waiting, None)
                if candidate is None:
                    break
                ahead.append((candidate, threads.submit(_read, candidate, idle)))
            if not ahead:
                return
            candidate, future = ahead.popleft()
            yield candidate, future.result()
    finally:
        for _, future in ahead:
            future.cancel()
        for worker in team:
            worker.close()
        threads.shutdown()


def list_archives(
    archives: Iterable[Candidate], *, limits: Limits | None = None
) -> Iterator[tuple[list[Member], list[str]] | None]:
    """Members and lines for skipped files of each archive, None for one that cannot be listed."""
    worker = Worker(limits or Limits())
    try:
        for archive in archives:
            yield worker.members(archive)
    finally:
        worker.close()


def _characters(ahead: Iterable[tuple[Candidate, Future[Document | Exception]]]) -> int:
    done = (future.result() for _, future in ahead if future.done())
    return sum(len(found.text) for found in done if isinstance(found, Document))


def _read(candidate: Candidate, idle: queue.LifoQueue[Worker]) -> Document | Exception:
    if candidate.document is not None:
        return candidate.document
    worker = idle.get()
    try:
        with candidate.on_disk() as request:
            return worker.read(request, candidate.source)
    except OSError as error:
        return error
    finally:
        idle.put(worker)
