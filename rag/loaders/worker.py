"""The process that parses: takes requests from its standard input until that closes, and answers each of them.

Whatever a hostile file does, it does here: memory is limited, an alarm ends a hang even when the parent is gone,
and what libraries print goes to the error stream.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from rag.loaders import LOADERS, load_document, pace
from rag.loaders.wire import document_message, receive, send

_GRACE_SECONDS = 10  # the parent's own clock ends a hang first, with a better reason
_STATUS_OUT_OF_MEMORY = 86


def main(settings: str) -> None:
    """`settings` is JSON: memory_bytes, and the loaders by suffix that join the table."""
    chosen = json.loads(settings)
    LOADERS.update(chosen["loaders"])
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit_memory(chosen["memory_bytes"])
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    pace.listen(lambda: send(replies, {"step": True}))
    while True:
        request = requests.get()
        _alarm(request["seconds"] + _GRACE_SECONDS)
        try:
            send(replies, _answered(request))
        except MemoryError:
            os._exit(_STATUS_OUT_OF_MEMORY)
        _alarm(0)


def limit_memory(size_bytes: int) -> None:
    """Limit this process's address space; systems without such limits (Windows) are left as they are."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):  # macOS knows the name but does not always take a value
        print("no limit on memory could be set", file=sys.stderr)


def _listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    stream: BinaryIO = sys.stdin.buffer
    try:
        while True:
            requests.put(receive(stream))
    except (EOFError, ValueError, OSError):
        os._exit(0)  # the parent is gone: whatever is being read, nobody waits for it


def _alarm(seconds: float) -> None:
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds))


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return _answer(request)
    except MemoryError:
        raise
    except OSError as error:
        name = None if error.filename is None else str(error.filename)
        return {"error": "OSError", "errno": error.errno, "text": error.strerror or str(error), "name": name}
    except ImportError as error:
        return {"error": "ImportError", "text": str(error)}
    except (ValueError, RecursionError) as error:
        return {"error": "ValueError", "text": str(error)}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    path, source, names = Path(request["path"]), request["source"], request.get("member")
    if request.get("list"):
        from rag.loaders.archive import list_members

        members, skipped = list_members(path, source)
        return {
            "members": [[member.names, member.shown, member.digest] for member in members],
            "skipped": skipped,
        }
    if names:
        from rag.loaders.archive import load_member

        return {"document": document_message(load_member(path, names, source))}
    return {"document": document_message(load_document(path, source))}
