"""Kills the indexing process at random moments and opens the index after each: complete old, or complete new.

Run: python benchmarks/crashes.py [--kills 200] [--seed 1] [--write]
Half of the kills meet a first index, half an update of all documents. The embedder is a quick fake with a pause, all
else is what `advisor index` runs, reader processes included.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from results import RESULTS, machine, replace_section

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fakes import HashEmbedder  # noqa: E402

from rag import build_index, open_index  # noqa: E402

TITLE = "Killed while indexing"
FILES, PARTS = 24, 10
PAUSE = 0.0015  # seconds for each text
_WORKER = (
    "import sys; from pathlib import Path; from fakes import HashEmbedder; from rag import build_index\n"
    "print('begun', flush=True)\n"
    f"build_index(Path(sys.argv[1]), sys.argv[2], embedder=HashEmbedder(pause_seconds={PAUSE}))\n"
)


def write_version(docs: Path, version: int) -> None:
    """Every passage says its version, so that a mixture of two would be seen."""
    docs.mkdir(exist_ok=True)
    for number in range(FILES):
        parts = [f"# Part {part}\n\nItem {number} version{version} fact {part}." for part in range(PARTS)]
        (docs / f"doc{number:02d}.md").write_text("\n\n".join(parts), encoding="utf-8")


def start(docs: Path, out: Path) -> subprocess.Popen[str]:
    """The indexing process, past its imports."""
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(docs), str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    return worker


def version_found(out: Path) -> int | None:
    """The version that the index answers with in full; None when it says that it was never completed.

    AssertionError for a mixture or a part.
    """
    try:
        index = open_index(out, embedder=HashEmbedder())
    except FileNotFoundError as error:
        assert "advisor index" in str(error), error
        return None
    hits = index.search("item version fact", k=2000)
    found = {word for hit in hits for word in hit.chunk.text.split() if word.startswith("version")}
    texts = [index.document(listed.source).text for listed in index.documents()]
    assert len(hits) == len(index) == FILES * PARTS and len(texts) == FILES, (len(hits), len(texts))
    assert len(found) == 1 and all(text.count(found.copy().pop()) == PARTS for text in texts), found
    return int(found.pop().removeprefix("version"))


def whole_seconds(docs: Path, out: Path) -> float:
    """How long an uninterrupted run takes here, after its imports."""
    began = time.monotonic()
    assert start(docs, out).wait() == 0
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the counts into RESULTS.md")
    args = parser.parse_args()
    chance, outcomes = random.Random(args.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        docs, out = Path(place) / "docs", Path(place) / "index"
        write_version(docs, 0)
        seconds = whole_seconds(docs, out)
        complete: int | None = 0
        for version in range(1, args.kills + 1):
            if version % 2:  # a first index, in an empty folder
                shutil.rmtree(out)
                complete = None
            elif complete is None:
                write_version(docs, 0)
                build_index(docs, out, embedder=HashEmbedder())
                complete = 0
            write_version(docs, version)
            worker = start(docs, out)
            time.sleep(chance.uniform(0, 1.1 * seconds))
            worker.kill()
            worker.wait()
            found = version_found(out)
            assert found in (complete, version), f"version {found} after a kill over {complete} -> {version}"
            stage = "first index" if version % 2 else "update"
            outcomes[f"{stage}, {'complete new' if found == version else 'as before'}"] += 1
            complete = found
        again = build_index(docs, out, embedder=HashEmbedder())
        assert version_found(out) == args.kills and len(again) == FILES * PARTS
    report(args, seconds, outcomes)


def report(args: argparse.Namespace, seconds: float, outcomes: Counter[str]) -> None:
    lines = [
        f"## {TITLE}",
        "",
        f"`python benchmarks/crashes.py --kills {args.kills} --write`. {machine()}",
        f"SIGKILL at random moments of runs of about {seconds:.1f} s over {FILES} documents; after each the index was",
        "opened and every passage looked at. A first index that was killed says so and the next run goes on with it.",
        "",
        "| killed during, found | times |",
        "|---|---|",
        *(f"| {name} | {times} |" for name, times in sorted(outcomes.items())),
        f"| a mixture, a part, or no answer | 0 of {args.kills} |",
    ]
    print("\n".join(lines))
    if args.write:
        replace_section(RESULTS, TITLE, "\n".join(lines))


if __name__ == "__main__":
    main()
