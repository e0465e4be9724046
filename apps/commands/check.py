"""`advisor check FILE --model NAME`: what training on these rows would do, before it is done."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune.data_records import DataReport
    from finetune.formats import Reading
    from finetune.schema import Example, TrainConfig

WOULD_STOP = 1
SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "examples", help="JSONL, JSON, CSV, XLSX, Parquet, or a folder of them or of documents"
    )
    parser.add_argument(
        "--model", help="local folder, Hugging Face name, or 'minilm': its tokens are counted"
    )
    parser.add_argument("--eval", metavar="FILE", help="rows that the model will be scored on")
    parser.add_argument("--objective", help="as for train (default: what the rows are for)")
    parser.add_argument("--method", help="as for train: soft prompts leave less room for a row")
    parser.add_argument("--max-length", type=int, help="tokens of the longest row (default: train's)")
    parser.add_argument("--answers", choices=("all", "last"), help="which of a conversation are learned")
    parser.add_argument("--packing", action="store_true", default=None, help="several rows in one sequence")
    parser.add_argument(
        "--show", type=int, default=SHOWN, metavar="N", help="rows to show as the model sees them"
    )
    parser.add_argument("--html", metavar="FILE", help="write the report here as one HTML page")
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    from finetune.notices import without_library_warnings

    reading, held = _reading(args.examples, args.objective), _evaluation(args.eval, args.objective)
    with without_library_warnings():
        report = _report(args, reading, held)
    fatal = next((finding for finding in report.findings if finding.fatal), None)
    if fatal is not None:
        raise ValueError(f"{args.examples}: {fatal.message}.")
    if args.html:
        _write(Path(args.html), report, reading)
    print(_shown(args, report, reading))
    return WOULD_STOP if report.blocking else 0


def _reading(path: str, objective: str | None) -> Reading:
    """The rows and what is wrong with the others; of a folder of documents all that the index could read too."""
    from finetune.formats import Fault, Reading, documents_as_examples, read_examples, row_files, sound_rows
    from finetune.objectives import SAMPLING

    folder = Path(path)
    stored = any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))
    if not folder.is_dir() or stored or (objective != "pretrain" and row_files(folder)):
        reading = read_examples(path, prompts=objective in SAMPLING, spans=objective == "span_qa")
    else:
        from rag import load_folder

        documents, problems = load_folder(folder)
        rows = documents_as_examples(document.text for document in documents)
        faults = tuple(Fault(line=0, reason=problem) for problem in problems)
        reading = Reading(
            source=path, examples=tuple(rows), faults=faults, formats=(("documents", len(rows)),)
        )
    sound_rows(reading)
    return reading


def _evaluation(path: str | None, objective: str | None) -> list[Example]:
    from finetune import load_examples

    return [] if path is None else load_examples(path, spans=objective == "span_qa")


def _report(args: argparse.Namespace, reading: Reading, evaluation: list[Example]) -> DataReport:
    from finetune.data_report import check_data
    from finetune.weights import resolve_model

    config = _config(args, reading)
    rows, held = _parted(reading.examples, evaluation, config)
    folder = None if args.model is None else resolve_model(args.model)
    return check_data(rows, held, config, folder, faults=reading.faults, show=args.show)


def _config(args: argparse.Namespace, reading: Reading) -> TrainConfig:
    from finetune.checks import check_config
    from finetune.data_report import commonest_kind
    from finetune.schema import TrainConfig

    objective = args.objective or commonest_kind(reading.examples)[1]
    given = {"max_length": args.max_length, "method": args.method, "packing": args.packing}
    given["answers"] = args.answers
    settings = {name: value for name, value in given.items() if value is not None}
    config = TrainConfig(model=args.model or "", out="", objective=objective, **settings)
    check_config(config)
    return config


def _parted(
    examples: tuple[Example, ...], evaluation: list[Example], config: TrainConfig
) -> tuple[list[Example], list[Example]]:
    """Rows to learn from and rows held out, divided as training would, or by --eval."""
    from finetune.objectives import load_objective
    from finetune.splits import held_out_share, split_rows

    usable = load_objective(config.objective).usable
    rows = [row for row in examples if usable(row)]
    if not rows:
        raise ValueError(
            f"No row fits the objective '{config.objective}'; leave --objective out to see which does."
        )
    if evaluation:
        return [row for row in rows if row.split == "train"], [row for row in evaluation if usable(row)]
    train, held, _ = split_rows(rows, share=held_out_share(config.objective))
    return train, held


def _write(out: Path, report: DataReport, reading: Reading) -> None:
    from finetune.data_html import render_html

    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; name a file for the report.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render_html(report, source=reading.source, faults=reading.faults), "utf-8")


def _shown(args: argparse.Namespace, report: DataReport, reading: Reading) -> str:
    from finetune.data_text import render_text

    formats = ", ".join(f"{name} ({count})" for name, count in reading.formats)
    if args.json:
        faults = [asdict(fault) for fault in reading.faults]
        found = {
            "source": reading.source,
            "formats": dict(reading.formats),
            "faults": faults,
            **asdict(report),
        }
        return json.dumps(found, ensure_ascii=False, indent=2)
    bad = "".join(f"\n  line {fault.line}: {fault.reason}" for fault in reading.faults[:20])
    more = f"\n  and {len(reading.faults) - 20} more" if len(reading.faults) > 20 else ""
    left = f"; {reading.unanswerable} unanswerable rows left out" if reading.unanswerable else ""
    return f"{reading.source}: {formats}{left}{bad}{more}\n" + render_text(report, colour=sys.stdout.isatty())
