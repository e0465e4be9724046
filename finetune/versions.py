"""An adapter with a history: a better one takes its place at once, the one before is kept beside it, and comes back
when it is asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.exchange import exchange
from finetune.schema import AdapterCard
from finetune.version_log import Change, Log, locked, now, read_log, write_log

SUFFIX = ".versions"
NUMBER = "version.json"  # inside each version, so that a folder says itself which one it is
_LEAVING, _COMING = ".leaving", ".coming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an adapter. `number` is None for an adapter that no promotion put in its place."""

    number: int | None
    path: Path
    in_place: bool
    card: AdapterCard
    change: Change | None  # how it first took the place


def home_of(current: Path) -> Path:
    """The folder beside an adapter that holds its other versions."""
    return current.with_name(current.name + SUFFIX)


def is_version(path: Path) -> bool:
    """Whether a path leads through such a folder: what lies there is offered by rollback alone."""
    return any(part.endswith(SUFFIX) for part in path.parts)


def promote(
    candidate: str | Path,
    current: str | Path,
    *,
    why: str = "",
    metrics: Mapping[str, Any] | None = None,
    source: str = "",
) -> Change:
    """Puts a finished adapter in the place of `current` and keeps the one that stood there.

    The candidate's folder moves. Readers find a whole adapter at `current` at every moment where the system can
    exchange two folders, and else at all but the moment between two renames, which the next reader or change mends
    after a crash. Raises FileNotFoundError or ValueError for a candidate that is no finished adapter.
    """
    from finetune.adapters import read_card

    coming, place = Path(candidate), Path(current)
    read_card(coming)
    home = home_of(place)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        log = _numbered(place, _settled(place, read_log(home)))
        change = Change(
            action="promoted",
            number=log.next,
            replaced=number_of(place),
            why=why,
            metrics=dict(metrics or {}),
            source=source,
            time=now(),
        )
        log = replace(log, next=log.next + 1, pending=change)
        write_log(home, log)
        _take_in(coming, home, change.number)
        _settled(place, log)
    return change


def rollback(current: str | Path, to: int | None = None, *, why: str = "") -> Change:
    """Brings back the version that the present one replaced, or the one numbered `to`; the present one is kept.

    Raises ValueError naming the versions there are.
    """
    place = Path(current)
    home = home_of(place)
    if not home.is_dir():
        raise ValueError(f"'{place}' has no other versions; they begin with 'advisor improve'.")
    with locked(home):
        log = _numbered(place, _settled(place, read_log(home)))
        present = number_of(place)
        number = _before(log, present, place) if to is None else to
        if number == present:
            raise ValueError(f"Version {number} is in place already; {_choice(home)}.")
        if not (home / _slot(number)).is_dir():
            raise ValueError(f"'{place}' has no version {number}; {_choice(home)}.")
        change = Change(action="rolled back", number=number, replaced=present, why=why, time=now())
        log = replace(log, pending=change)
        write_log(home, log)
        _settled(place, log)
    return change


def recover(current: str | Path) -> bool:
    """Ends a change that a crash interrupted; whether an adapter stands at `current` afterwards."""
    place = Path(current)
    home = home_of(place)
    if read_log(home).pending is not None:
        with locked(home):
            _settled(place, read_log(home))
    return place.is_dir()


def versions(current: str | Path) -> list[Version]:
    """All that are there, by number; an adapter without a history is the only one. Raises ValueError."""
    from finetune.adapters import read_card

    place = Path(current)
    home = home_of(place)
    log = read_log(home)
    folders = [folder for folder in sorted(home.glob("[0-9]*")) if folder.is_dir()]
    found = [
        Version(
            number=number,
            path=folder,
            in_place=folder == place,
            card=read_card(folder),
            change=next((one for one in log.changes if one.number == number), None),
        )
        for folder in [*([place] if place.is_dir() else []), *folders]
        for number in [_known(folder, log)]
    ]
    return sorted(found, key=lambda one: (one.number is None, one.number))


def number_of(folder: Path) -> int | None:
    """The number inside a folder; None where there is none."""
    try:
        return int(json.loads((folder / NUMBER).read_text("utf-8"))["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(folder: Path, log: Log) -> int | None:
    """A number counts in the history that gave it: a copied folder brings one of another."""
    number = number_of(folder)
    return number if any(one.number == number for one in log.changes) else None


def _numbered(place: Path, log: Log) -> Log:
    """The log with an entry for what stands at `place`, which may have been trained there by itself."""
    if not place.is_dir():
        return log
    number = _known(place, log)
    if number is not None and not (home_of(place) / _slot(number)).exists():
        return log  # else a version was copied here by hand
    found = Change(action="found", number=log.next, time=now(), why="stood there before")
    _write_number(place, log.next)
    log = replace(log, next=log.next + 1, changes=(*log.changes, found))
    write_log(home_of(place), log)
    return log


def _before(log: Log, present: int | None, place: Path) -> int:
    """What the present version replaced when it was promoted; where nothing stands there, what stood there last."""
    if present is None:
        return log.changes[-1].number if log.changes else 0
    promoted = [one for one in log.changes if one.number == present and one.action == "promoted"]
    if not promoted or promoted[-1].replaced is None:
        raise ValueError(
            f"Version {present} of '{place}' replaced none; {_choice(home_of(place))}, with --to NUMBER."
        )
    return promoted[-1].replaced


def _choice(home: Path) -> str:
    found = [int(folder.name) for folder in sorted(home.glob("[0-9]*"))]
    return f"choose one of {found}" if found else "no other is kept"


def _settled(place: Path, log: Log) -> Log:
    """Carries out what is pending, from whatever point a crash left it at, and writes it down as done."""
    home, pending = home_of(place), log.pending
    if pending is None:
        return log
    target = home / _slot(pending.number)
    if number_of(place) != pending.number:
        if number_of(target) != pending.number:
            log = replace(log, pending=None)  # the candidate never came: nothing has changed
            write_log(home, log)
            return log
        _swap(target, place, home)
    _put_away(home)
    log = replace(log, pending=None, changes=(*log.changes, pending))
    write_log(home, log)
    return log


def _swap(target: Path, place: Path, home: Path) -> None:
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        target.rename(place)
    elif not exchange(target, place):
        place.rename(home / _LEAVING)
        target.rename(place)


def _put_away(home: Path) -> None:
    """Each version under its own number: after an exchange the old one lies under that of the new one."""
    for folder in [home / _LEAVING, *home.glob("[0-9]*")]:
        number = number_of(folder)
        if number is not None and folder.name != _slot(number):
            folder.rename(home / _slot(number))


def _take_in(candidate: Path, home: Path, number: int) -> None:
    """The candidate under its number in `home`; whole there or not at all, also from another disk."""
    staging = home / _COMING
    shutil.rmtree(staging, ignore_errors=True)
    _write_number(candidate, number)
    try:
        candidate.rename(home / _slot(number))
        return
    except OSError:
        shutil.copytree(candidate, staging)
    staging.rename(home / _slot(number))
    shutil.rmtree(candidate)


def _write_number(folder: Path, number: int) -> None:
    fresh = folder / (NUMBER + ".new")
    fresh.write_text(json.dumps({"number": number}) + "\n", "utf-8")
    fresh.replace(folder / NUMBER)


def _slot(number: int) -> str:
    return f"{number:04d}"
