"""`advisor ground FILE --index INDEX --out ROWS`: examples as rows with retrieved passages, for any trainer."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from apps.commands.ground_flags import add_ground_flags, ground_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("examples", help="questions and answers (JSONL, JSON, CSV, XLSX or a folder)")
    parser.add_argument("--index", required=True, help="an index made by 'advisor index'")
    parser.add_argument("--out", required=True, metavar="FILE", help="where the rows go (JSONL of messages)")
    parser.add_argument("--model", help="whose tokens are counted and whose context prompts fit into")
    parser.add_argument("--seed", type=int, help="of the choice and order of passages (default 42)")
    parser.add_argument("--allow", action="append", metavar="KEY", default=[], help="leave out faulty rows")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    add_ground_flags(parser.add_argument_group("passages"))


def run(args: argparse.Namespace) -> int:
    from apps.ground_run import ground_examples, write_rows
    from apps.progress import progress_bar
    from finetune import load_examples
    from finetune.weights import resolve_model

    examples = load_examples(args.examples, allow=args.allow)
    model = None if args.model is None else resolve_model(args.model)
    with progress_bar() as progress:
        grounded = ground_examples(examples, args.index, ground_config(args, args.seed), model, progress)
    write_rows(grounded.rows, Path(args.out))
    report = grounded.report
    shown = (
        json.dumps(asdict(report), ensure_ascii=False, indent=2) if args.json else "\n".join(report.lines())
    )
    print(shown if args.json else f"{shown}\n{len(grounded.rows)} rows written to {args.out}")
    return 0
