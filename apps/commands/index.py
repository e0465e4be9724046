"""`advisor index FOLDER --out INDEX`: the first run builds, later ones update what changed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("documents", help="a folder of documents, one file, or the address of a page (https:...)")
    parser.add_argument("--out", required=True, metavar="INDEX", help="the folder of the index")
    parser.add_argument("--embedder", help="'minilm' (default), a local folder, or a hub name")
    parser.add_argument("--store", help="vector store: faiss (default) or exact")
    parser.add_argument(
        "--plan", metavar="FILE", help="plan.json of 'advisor recommend'; its index settings are used"
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    from apps.plan import rag_config
    from apps.progress import progress_bar
    from rag import build_index

    config = rag_config(args.plan, embedder=args.embedder, store=args.store)
    with progress_bar() as progress:
        index = build_index(args.documents, args.out, config, progress=progress)
    report = index.report
    if args.json:
        print(json.dumps(report.as_dict() | {"index": args.out}, ensure_ascii=False, indent=2))
    else:
        print(report.render())
        print(f'Next: advisor ask "your question" --index {args.out}')
    if report.failed:
        print(f"advisor: {_left_out(report.failed)}", file=sys.stderr)
    return 2 if report.failed else 0


def _left_out(failed: Sequence[str]) -> str:
    """One line that names the files; the reasons stand in the report."""
    names = [line.split(": ", 1)[0] for line in failed[:5]]
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"Not read: {', '.join(names)}{more} (reasons in the report); all other documents are indexed."
