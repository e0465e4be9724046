"""One round of improvement on disk: the rows that it took, so that a round which was interrupted goes on with the same
ones, whatever people have said since."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.feedback_sides import HeldRow, Kind, Sides

if TYPE_CHECKING:
    from finetune import Example

ROUND, REPORT = "round.json", "improve.json"
LEARNED, HELD_OUT, COMPARED = "learned.jsonl", "held_out.jsonl", "compared.json"
CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round is about. `settings` are those that shape its outcome; `start` is the hash of the weights that it
    starts from, empty for the base."""

    kind: Kind
    adapter: str
    model: str
    start: str
    settings: Mapping[str, Any]
    keys: tuple[str, ...]
    new: int  # of the keys, those that no earlier round took
    feedback: Mapping[str, Any]  # what became of the rows of feedback, as counted
    export: int | None = None  # its mark in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A round's folder. What is in it stays: rows, the candidate where it was not promoted, and the report."""

    folder: Path

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def candidate(self) -> Path:
        return self.folder / CANDIDATE

    @property
    def ended(self) -> bool:
        report = self.read(REPORT)
        return report is not None and not report.get("withheld")

    @property
    def begun(self) -> bool:
        """Whether there is work in it that a new start would lose."""
        return self.candidate.is_dir() or any(self.folder.glob(f"{CANDIDATE}.unfinished/checkpoint-*"))

    def read(self, name: str) -> dict[str, Any] | None:
        """A file of the round; None where it is not there or was not written to its end."""
        try:
            found = json.loads((self.folder / name).read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        _replace(self.folder / name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def round(self) -> Round | None:
        found = self.read(ROUND)
        if found is None:
            return None
        known = {one.name for one in fields(Round)}
        values = {name: value for name, value in found.items() if name in known}
        return Round(**{**values, "keys": tuple(values["keys"])})

    def learned(self) -> list[Example]:
        from finetune import load_examples

        return load_examples(self.folder / LEARNED)

    def held_out(self) -> list[HeldRow]:
        lines = (self.folder / HELD_OUT).read_text("utf-8").splitlines()
        return [HeldRow(**json.loads(line)) for line in lines]


def rounds_home(adapter: Path) -> Path:
    from finetune.versions import home_of

    return home_of(adapter) / "rounds"


def places(adapter: Path) -> list[Place]:
    """All rounds of an adapter, the oldest first."""
    found = sorted(rounds_home(adapter).glob("[0-9]*"))
    return [Place(folder=folder) for folder in found if folder.is_dir()]


def unfinished(adapter: Path) -> tuple[Place, Round] | None:
    """The round that was interrupted, or whose better candidate was not to be promoted yet."""
    last = places(adapter)[-1:]
    about = last[0].round() if last and not last[0].ended else None
    return None if about is None else (last[0], about)


def finished(adapter: Path) -> list[tuple[Place, Round]]:
    """Rounds that came to their end, the oldest first."""
    found = [(place, place.round()) for place in places(adapter) if place.ended]
    return [(place, about) for place, about in found if about is not None]


def begin(adapter: Path, sides: Sides, about: Round, store: str) -> tuple[Place, Round]:
    """A new round with its rows on disk, recorded in the store as an export; a folder in which nothing was begun is
    taken over."""
    from apps.feedback_exports import export_rows

    known = places(adapter)
    spare = bool(known) and not known[-1].ended and not known[-1].begun
    number = int(known[-1].folder.name) + (not spare) if known else 1
    folder = rounds_home(adapter) / f"{number:04d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(folder=folder)
    lines = (json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in sides.held_out)
    _replace(folder / HELD_OUT, "".join(lines))
    export = export_rows(store, sides.kind, folder / LEARNED, sides.learned)
    about = replace(about, export=export.id)
    place.write(ROUND, asdict(about))  # last: with it the round is there
    return place, about


@contextmanager
def alone(adapter: Path) -> Iterator[None]:
    """One process improves an adapter at a time. Raises BlockingIOError."""
    from finetune.version_log import locked

    home = rounds_home(adapter)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home, patience_s=0.0, busy=f"'{adapter}' is being improved by another process"):
        yield


def _replace(file: Path, text: str) -> None:
    fresh = file.with_name(file.name + ".new")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
