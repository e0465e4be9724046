"""Writes feedback to files of training rows and keeps a record of it, so that an export can be repeated or undone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from apps.feedback import now, read_feedback
from apps.feedback_database import Store, read, write
from apps.feedback_tables import EXPORTED, EXPORTS, METADATA
from apps.preferences import Kind, PreferenceReport, Preferences, preferences
from rag.durable import replace_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export as it was recorded; `undone` when its rows count as not exported again."""

    id: int
    time: str
    format: str
    rows: int
    file: str
    undone: bool = False


def export_feedback(
    store: Store,
    kind: Kind,
    out: str | Path,
    *,
    new: bool = False,
    mask: bool = False,
    context: bool = True,
    prompt_tokens: int | None = None,
    overwrite: bool = False,
) -> tuple[Export, Preferences]:
    """Writes the rows of one kind as JSONL, whole or not at all, and records them; no feedback is changed.

    `new` leaves out what an export of this kind took that was not undone. Raises ValueError where there is no row to
    write, FileExistsError for a file that is there.
    """
    path = Path(out)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; name another file, or give --overwrite.")
    found = preferences(read_feedback(store), kind, mask=mask, context=context, prompt_tokens=prompt_tokens)
    left = _without(found, exported_keys(store, kind)) if new else found
    if not left.rows:
        raise ValueError(nothing_to_export(found, kind))
    return _recorded(store, kind, path, left, new), left


def export_rows(store: Store, kind: Kind, out: str | Path, found: Preferences) -> Export:
    """Writes rows that somebody chose already, in the place of what was at `out`, and records them."""
    return _recorded(store, kind, Path(out), found, new=False)


def free_file(folder: Path, kind: Kind) -> Path:
    """The first of kto-1.jsonl, kto-2.jsonl, ... that is not there."""
    return next(path for number in count(1) if not (path := folder / f"{kind}-{number}.jsonl").exists())


def exports(store: Store) -> list[Export]:
    """Every export that was ever made, the oldest first."""
    found = read(store, EXPORTS.name, _events) or ()
    undone = {row["export_id"] for row in found if row["action"] == "undo"}
    return [
        Export(
            **{name: row[name] for name in ("id", "time", "format", "rows", "file")},
            undone=row["id"] in undone,
        )
        for row in found
        if row["action"] == "export"
    ]


def exported_keys(store: Store, kind: Kind) -> set[str]:
    """The keys of `Preferences` that exports of this kind took and that were not undone."""
    return read(store, EXPORTED.name, lambda connection: _taken(connection, kind)) or set()


def undo_export(store: Store) -> Export:
    """Takes back the marks of the last export that stands; its file and all feedback stay. Raises ValueError."""

    def undo(connection: sa.Connection) -> Export:
        undone = sa.select(EXPORTS.c.export_id).where(EXPORTS.c.action == "undo")
        standing = sa.and_(EXPORTS.c.action == "export", EXPORTS.c.id.not_in(undone))
        last = (
            connection.execute(sa.select(EXPORTS).where(standing).order_by(EXPORTS.c.id.desc()))
            .mappings()
            .first()
        )
        if last is None:
            raise ValueError(
                "No export stands, so there is none to undo; 'advisor feedback list' shows them all."
            )
        again = {name: last[name] for name in ("format", "rows", "file")}
        connection.execute(EXPORTS.insert().values(time=now(), action="undo", export_id=last["id"], **again))
        return Export(**again, id=last["id"], time=last["time"], undone=True)

    return write(store, METADATA, undo)


def nothing_to_export(found: Preferences, kind: Kind) -> str:
    """Why an export is empty, in one line."""
    report = found.report
    if not report.read:
        return "There is no feedback yet; press a thumb in 'advisor chat', or 'advisor feedback import FILE'."
    if found.rows:
        return f"All {len(found.rows)} rows for {kind} were exported already; leave --new out to write them again."
    why = "; ".join(f"{number} {reason}" for reason, number in reasons(report))
    return f"{report.read} rows of feedback make no row for {kind}: {why}. Nothing was written."


def reasons(report: PreferenceReport) -> list[tuple[str, int]]:
    """What was not taken and why, the commonest reason first."""
    found = [
        item
        for name in ("contradictions", "unusable", "duplicates")
        for item in report.reasons.get(name, {}).items()
    ]
    return sorted(found, key=lambda item: -item[1])


def _without(found: Preferences, taken: set[str]) -> Preferences:
    fresh = [key not in taken for key in found.keys]
    return replace(found, rows=tuple(compress(found.rows, fresh)), keys=tuple(compress(found.keys, fresh)))


def _recorded(store: Store, kind: Kind, path: Path, found: Preferences, new: bool) -> Export:
    """Writes the file inside the transaction that records it: a crash leaves at worst a file without a record."""
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.rows).encode()
    event: dict[str, Any] = {
        "time": now(),
        "format": kind,
        "rows": len(found.rows),
        "file": str(path.absolute()),
    }

    def record(connection: sa.Connection) -> Export:
        if new and (both := _taken(connection, kind) & set(found.keys)):
            raise ValueError(
                f"Another export took {len(both)} of these rows meanwhile; run the same command again."
            )
        key = connection.execute(EXPORTS.insert().values(action="export", **event)).inserted_primary_key
        number = int(key[0]) if key is not None else 0
        connection.execute(EXPORTED.insert(), [{"export_id": number, "row_key": key} for key in found.keys])
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
        return Export(id=number, **event)

    return write(store, METADATA, record)


def _events(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    return connection.execute(sa.select(EXPORTS).order_by(EXPORTS.c.id)).mappings().all()


def _taken(connection: sa.Connection, kind: Kind) -> set[str]:
    undone = sa.select(EXPORTS.c.export_id).where(EXPORTS.c.action == "undo")
    query = (
        sa.select(EXPORTED.c.row_key)
        .join(EXPORTS, EXPORTS.c.id == EXPORTED.c.export_id)
        .where(EXPORTS.c.format == kind, EXPORTS.c.action == "export", EXPORTS.c.id.not_in(undone))
    )
    return set(connection.execute(query).scalars())
