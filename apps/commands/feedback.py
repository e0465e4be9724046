"""`advisor feedback list | export | undo | import`: what people thought of answers, and training rows made of it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from apps.feedback import Feedback
    from apps.feedback_exports import Export
    from apps.preferences import PreferenceReport

SHOWN = 20
LONGEST = 60  # characters of a question in a list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (line, add, _) in ACTIONS.items():
        action = actions.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        add(action)
        action.add_argument(
            "--store",
            dest="feedback",
            metavar="FILE|URL",
            help="the feedback: a file, or a database URL as SQLAlchemy reads it (default: build/feedback.sqlite3)",
        )
        action.add_argument("--json", action="store_true", help="the same as JSON")


def run(args: argparse.Namespace) -> int:
    from apps.feedback import feedback_store, open_tables
    from apps.settings import load_settings

    open_tables()
    settings = load_settings({"feedback": args.feedback})
    args.store, args.build = feedback_store(settings), settings.build
    found, text = ACTIONS[args.action][2](args)
    print(json.dumps(found, ensure_ascii=False, indent=2) if args.json else text)
    return 0


def _list_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--thumb", choices=("up", "down"), help="only likes, or only dislikes")
    parser.add_argument(
        "--last",
        type=int,
        default=SHOWN,
        metavar="N",
        help=f"rows to show, the newest last (default {SHOWN})",
    )


def _list(args: argparse.Namespace) -> tuple[Any, str]:
    from apps.feedback import read_feedback
    from apps.feedback_exports import exports

    if args.last < 1:
        raise ValueError(f"--last is {args.last}; give 1 or more.")
    rows = read_feedback(args.store)
    shown = [row for row in rows if args.thumb in (None, row.thumb)][-args.last :]
    made = exports(args.store)
    found = {
        "rows": len(rows),
        "up": sum(row.thumb == "up" for row in rows),
        "down": sum(row.thumb == "down" for row in rows),
        "corrections": sum(bool(row.correction) for row in rows),
        "shown": [asdict(row) for row in shown],
        "exports": [asdict(export) for export in made],
    }
    if not rows:
        return found, "No feedback yet; press a thumb in 'advisor chat', or 'advisor feedback import FILE'."
    counts = f"{found['up']} up, {found['down']} down, {found['corrections']} corrections in {len(rows)} rows"
    return found, "\n".join([counts, *map(_row_line, shown), *map(_export_line, made)])


def _row_line(row: Feedback) -> str:
    from rag.inert import visible

    question = " ".join(row.question.split())
    short = question if len(question) <= LONGEST else f"{question[:LONGEST].rstrip()} …"
    kind = "correction" if row.correction else "refusal" if row.refused else ""
    parts = (f"{row.id:>5}  {row.time[:16]}  {row.thumb:<4}  {short}", kind, row.adapter or row.generator)
    return visible(" · ".join(part for part in parts if part))


def _export_line(export: Export) -> str:
    undone = " (undone)" if export.undone else ""
    return f"exported {export.time[:16]}  {export.format}  {export.rows} rows  {export.file}{undone}"


def _export_flags(parser: argparse.ArgumentParser) -> None:
    from apps.preferences import Kind

    parser.add_argument(
        "--format",
        required=True,
        choices=get_args(Kind),
        help="kto: answers with a thumb; dpo: pairs of a better and a worse one; sft: answers to learn",
    )
    parser.add_argument("--out", metavar="FILE", help="default: build/exports/FORMAT-NUMBER.jsonl")
    parser.add_argument("--new", action="store_true", help="only rows that no export of this format took yet")
    parser.add_argument(
        "--mask",
        action="store_true",
        help="replace e-mail addresses, phone, card, account and id numbers (names cannot be found reliably)",
    )
    parser.add_argument(
        "--no-context",
        action="store_true",
        help="questions without the sources and rules that the generator saw, answers without their [1]",
    )
    parser.add_argument(
        "--prompt-tokens", type=int, metavar="N", help="shorten sources and history to N tokens, as at work"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def _export(args: argparse.Namespace) -> tuple[Any, str]:
    from apps.feedback_exports import export_feedback, free_file

    made, found = export_feedback(
        args.store,
        args.format,
        args.out or free_file(Path(args.build) / "exports", args.format),
        new=args.new,
        mask=args.mask,
        context=not args.no_context,
        prompt_tokens=args.prompt_tokens,
        overwrite=args.overwrite,
    )
    report = found.report
    lines = [f"{made.rows} rows written to {args.out or made.file}", *report_lines(report)]
    return {**asdict(made), "report": asdict(report)}, "\n".join(lines)


def report_lines(report: PreferenceReport) -> list[str]:
    """What became of each row of feedback, for a person."""
    counts = f"{report.read} rows of feedback: {report.taken} taken, {report.duplicates} duplicates, "
    lines = [f"{counts}{report.contradictions} contradictions, {report.unusable} unusable"]
    for count in ("duplicates", "contradictions", "unusable"):
        found = Counter(report.reasons.get(count, {}))
        lines += [f"  {number} {count}: {reason}" for reason, number in found.most_common()]
    if report.masked:
        lines.append("masked: " + ", ".join(f"{kind} {n}" for kind, n in sorted(report.masked.items())))
    return [*lines, *(f"note: {note}" for note in report.notes)]


def _undo_flags(parser: argparse.ArgumentParser) -> None:
    pass


def _undo(args: argparse.Namespace) -> tuple[Any, str]:
    from apps.feedback_exports import undo_export

    undone = undo_export(args.store)
    return asdict(undone), (
        f"The {undone.rows} rows of {undone.file} count as not exported again; the file and the feedback stay."
    )


def _import_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", help="pairs, thumbs or conversations in any format that 'advisor check' reads"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="FINDING",
        help="bad_rows or empty_answers: leave them out",
    )


def _import(args: argparse.Namespace) -> tuple[Any, str]:
    from apps.feedback_import import import_feedback

    done = import_feedback(args.store, args.file, allow=args.allow)
    lines = [f"{done.added} rows added, {done.there} there already"]
    lines += [f"  {number} left out: {reason}" for reason, number in done.unusable.items()]
    return asdict(done), "\n".join(lines)


Run = Callable[[argparse.Namespace], tuple[Any, str]]
ACTIONS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Run]] = {
    "list": ("what was said, and which exports were made", _list_flags, _list),
    "export": ("rows to train on, in a file", _export_flags, _export),
    "undo": ("take back the record of the last export; nothing is deleted", _undo_flags, _undo),
    "import": ("read rows of a file into the store, without those that are there", _import_flags, _import),
}
