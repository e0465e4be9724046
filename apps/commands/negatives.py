"""`advisor negatives PAIRS --index INDEX --out FILE`: passages that look like answers and are none."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pairs", help='rows with "question" and "positive" (JSONL, JSON, CSV, XLSX)')
    parser.add_argument("--index", help="the folder of the index to look in")
    parser.add_argument("--out", required=True, help="the file of the rows with their negatives (JSONL)")
    parser.add_argument("--each", type=int, default=4, help="negatives of a question (default 4)")
    parser.add_argument("--depth", type=int, default=30, help="passages looked at (default 30)")
    parser.add_argument(
        "--margin",
        type=float,
        default=0.95,
        help="leave out what is nearer to the question than this share of its answer's cosine (default 0.95)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is at --out")


def run(args: argparse.Namespace) -> int:
    from apps.negatives import as_row, mine_negatives, report
    from apps.opening import open_named_index
    from apps.progress import progress_bar
    from apps.settings import load_settings
    from finetune import load_examples

    _check(args)
    examples = load_examples(args.pairs)
    index = open_named_index(load_settings({"index": args.index}))
    with progress_bar() as progress:
        mined = mine_negatives(
            examples, index, each=args.each, depth=args.depth, margin=args.margin, progress=progress
        )
    lines = [json.dumps(as_row(row), ensure_ascii=False) for row in mined.rows]
    Path(args.out).write_text("\n".join(lines) + "\n", "utf-8")
    print(report(mined))
    print(f"train with: advisor train {args.out} --objective embed --model minilm --out ADAPTER")
    return 0


def _check(args: argparse.Namespace) -> None:
    if Path(args.out).exists() and not args.overwrite:
        raise ValueError(f"'{args.out}' exists; choose another --out, or give --overwrite.")
    for name in ("each", "depth"):
        if getattr(args, name) < 1:
            raise ValueError(f"--{name} is {getattr(args, name)}; it must be at least 1.")
    if not 0 < args.margin <= 1:
        raise ValueError(f"--margin is {args.margin}; it must lie above 0 and be at most 1 (e.g. 0.95).")
