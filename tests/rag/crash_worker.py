"""Run in a process of its own, to be killed or starved: builds an index with a slow fake embedder."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from fakes import HashEmbedder

from rag import build_index


def main() -> None:
    docs, out, pause_seconds, file_limit = (
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        float(sys.argv[3]),
        int(sys.argv[4]),
    )
    if file_limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    try:
        print("begun", flush=True)
        index = build_index(docs, out, embedder=HashEmbedder(pause_seconds=pause_seconds))
    except (OSError, ValueError) as error:
        print(error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    print(index.report.embedded)


if __name__ == "__main__":
    main()
