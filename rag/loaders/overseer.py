"""One worker process as its parent sees it: started, asked, timed, replaced when it dies, and never believed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from rag.loaders.archive import Member
from rag.loaders.wire import document_of, receive, send
from rag.schema import Document

if TYPE_CHECKING:
    from rag.candidates import Candidate

_STEPS = 20  # a read that tells its steps may take this many times the limit of one
_STATUS_OUT_OF_MEMORY = 86  # as rag/loaders/worker.py ends
# A parser that was broken into finds no keys or passwords in its environment.
_ENVIRONMENT = frozenset(
    ("PATH", "SYSTEMROOT", "WINDIR", "TEMP", "TMP", "TMPDIR", "HOME", "LANG", "LC_ALL", "LC_CTYPE")
    + ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8")
)
# The parent's search path instead of `-m`, which would look for modules in the current folder first.
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from rag.loaders.worker import main; main(sys.argv[2])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one file may take; `loaders` join the table of formats in the workers."""

    seconds: float = 120.0  # and one more for every 200 KB above 10 MB
    memory_bytes: int = 3 << 29
    loaders: Mapping[str, str] = field(default_factory=dict)

    def seconds_for(self, size_bytes: int) -> float:
        """The time for a file of this size."""
        return self.seconds + max(size_bytes - 10_000_000, 0) / 200_000


class _Lost(Exception):
    """The worker died over a request; `memory` says that it needed more than it may have."""

    def __init__(self, reason: str, memory: bool = False) -> None:
        super().__init__(reason)
        self.memory = memory


class Worker:
    """A process that is started when it is first asked, and again after each death."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._asked = 0
        self._closed = False
        self._lock = threading.Lock()  # of starting and ending

    def read(self, request: dict[str, Any], source: str) -> Document | Exception:
        """The document, or why there is none."""
        try:
            reply = self.ask(request, self._limits.seconds_for(request.get("size", 0)))
            found = reply.get("document")
            if isinstance(found, dict):
                return document_of(found, source)
            return _error(reply)
        except _Lost as lost:
            return ValueError(f"{source} {lost}.")
        except (ValueError, TypeError, RecursionError) as error:
            self._end()
            return ValueError(f"{source} could not be read: its reader gave no document ({error}).")

    def members(self, archive: Candidate) -> tuple[list[Member], list[str]] | None:
        """What an archive holds, and lines for what of it is not read; None when it cannot be listed."""
        try:
            with archive.on_disk() as request:
                reply = self.ask({**request, "list": True}, self._limits.seconds_for(request["size"]))
            listed = [
                Member(names=tuple(map(str, names)), shown=str(shown), digest=str(digest))
                for names, shown, digest in reply["members"]
            ]
            return listed, [str(line) for line in reply["skipped"]]
        except (_Lost, OSError, ValueError, TypeError, KeyError):
            return None  # reading it will fail as well and give the reason

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The reply to one request; asked again of a new process when an old one ran out of memory."""
        used = self._asked > 0
        try:
            return self._ask(request, seconds)
        except _Lost as lost:
            if not (lost.memory and used):
                raise
        return self._ask(request, seconds)  # what earlier files left behind does not count against this one

    def close(self) -> None:
        """End the process, also one that is at work."""
        self._closed = True
        self._end()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        clock = _Clock(seconds, process.kill)
        try:
            send(process.stdin, {**request, "seconds": seconds * _STEPS})
            self._asked += 1
            while True:
                reply = receive(process.stdout)
                if "step" not in reply:
                    return reply
                clock.restart()
        except (EOFError, OSError) as error:
            process.wait()
            raise self._lost(process.returncode, clock, seconds) from error
        finally:
            clock.stop()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise _Lost("was not read: the run ended")
            if self._process is None or self._process.poll() is not None:
                self._release()
                self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
                self._process = _start(self._limits, self._complaints)
                self._asked = 0
            return self._process

    def _lost(self, status: int, clock: _Clock, seconds: float) -> _Lost:
        words = self._last_words()
        self._end()
        if clock.expired:
            return _Lost(f"took more than {seconds:.0f} s to read")
        if status == _STATUS_OUT_OF_MEMORY or any(
            sign in words for sign in ("bad_alloc", "MemoryError", "Cannot allocate", "out of memory")
        ):
            return _Lost(
                f"needed more than {self._limits.memory_bytes / (1 << 30):.2g} GiB to read", memory=True
            )
        if status == -9:
            return _Lost("was not read: its reader was killed (signal 9; the machine may be short of memory)")
        crash = f"signal {-status}" if status < 0 else f"status {status}"
        return _Lost(f"could not be read: its reader crashed ({crash})")

    def _last_words(self) -> str:
        if self._complaints is None or self._complaints.closed:
            return ""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(size - 4000, 0))
        return self._complaints.read().decode("utf-8", "replace")

    def _end(self) -> None:
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._release()

    def _release(self) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # a last flush into a pipe that nobody reads
                        stream.close()
            self._process = None
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None


class _Clock:
    """Calls `strike` once `seconds` have passed since the last restart, or `seconds` times _STEPS in all."""

    def __init__(self, seconds: float, strike: Callable[[], None]) -> None:
        self.expired = False
        self._seconds, self._strike = seconds, strike
        self._last = time.monotonic() + seconds * _STEPS
        self._timer = self._begun()

    def restart(self) -> None:
        self._timer.cancel()
        if not self.expired:
            self._timer = self._begun()

    def stop(self) -> None:
        self._timer.cancel()

    def _begun(self) -> threading.Timer:
        timer = threading.Timer(min(self._seconds, max(self._last - time.monotonic(), 0)), self._expire)
        timer.daemon = True
        timer.start()
        return timer

    def _expire(self) -> None:
        self.expired = True
        self._strike()


def _start(limits: Limits, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    settings = {"memory_bytes": limits.memory_bytes, "loaders": dict(limits.loaders)}
    environment = {name: value for name, value in os.environ.items() if name.upper() in _ENVIRONMENT}
    # Threads and arenas reserve address space, which is what the limit counts.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return subprocess.Popen(
        [sys.executable, "-c", _START, json.dumps(sys.path), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=environment | threads,
        start_new_session=True,  # an interrupt at the keyboard is for the parent, which closes its workers
    )


def _error(reply: dict[str, Any]) -> Exception:
    kind, text = reply.get("error"), str(reply.get("text", "no reason given"))
    if kind == "OSError":
        return OSError(reply.get("errno"), text, reply.get("name"))
    return ImportError(text) if kind == "ImportError" else ValueError(text)
