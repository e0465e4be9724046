"""Run in a process of its own, to be killed: gives an index another embedder, slowly."""

from __future__ import annotations

import sys

from fakes import HashEmbedder

from rag import switch_embedder


def main() -> None:
    out, name, pause_seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    print("begun", flush=True)
    switch_embedder(out, HashEmbedder(name=name, dimension=48, pause_seconds=pause_seconds))


if __name__ == "__main__":
    main()
