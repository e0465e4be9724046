"""One program of the comparison in a process of its own: build, ask, change 1 % of the files, update."""

from __future__ import annotations

import importlib
import shutil
import time
from pathlib import Path
from typing import Any

from measured import Row, arguments, median, report, resident_mib
from sample_files import change_some

_DEPTH = 50  # chunks asked for, so that ten files come of them


def compete(
    name: str, folder: Path, target: Path, model: Path, settings: dict[str, Any], questions: dict[str, str]
) -> Row:
    """Times with the libraries imported; `import_s` says what that takes. Files of each question, best first."""
    shutil.rmtree(target, ignore_errors=True)
    start = time.perf_counter()
    program = importlib.import_module(f"contestant_{name}")
    imported = time.perf_counter()
    state = program.build(folder, target, model, settings)
    built = time.perf_counter()
    found = {
        key: list(dict.fromkeys(program.ranked_files(state, question, _DEPTH)))[:10]
        for key, question in questions.items()
    }
    asked = time.perf_counter()
    row = {
        "import_s": imported - start, "build_s": built - imported, "found": found, "mib": resident_mib(),
        "ask_ms": (asked - built) * 1000 / max(len(questions), 1),
    }  # fmt: skip
    return row if settings.get("no_update") else row | _update(program, state, folder)


def _update(program: Any, state: Any, folder: Path) -> Row:
    """In the process that built, so that no model is loaded: the changed files must be found afterwards."""
    times = []
    for turn in ("Whitsun", "Michaelmas", "Candlemas"):
        changed = change_some(folder, 0.01, turn)
        time.sleep(2.1)  # a file that was just written is read again by whoever trusts no fresh clock
        start = time.perf_counter()
        program.update(state, folder)
        times.append(time.perf_counter() - start)
        if turn == "Whitsun" and times[0] > 60:
            break
    found = set(program.ranked_files(state, f"The note of {turn} was added later", _DEPTH))
    return {
        "update_s": median(times), "changed": len(changed), "found_after": sum(name in found for name in changed),
    }  # fmt: skip


if __name__ == "__main__":
    given = arguments()
    report(
        compete(
            given["name"], Path(given["folder"]), Path(given["target"]), Path(given["model"]), given["settings"],
            given["questions"],
        )
    )  # fmt: skip
