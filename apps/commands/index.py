"""`advisor index FOLDER --out INDEX`: the first run builds, later ones update what changed or change the embedder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag import Index, IndexReport
    from rag.embed import Embedder


EMBEDDERS = (
    "'minilm' (of a new index), 'minilm+FOLDER' with an adapter that was trained to embed, a local folder, or a hub "
    "name; an index that has another one is embedded again"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "documents",
        nargs="*",
        help="folders of documents, files, or web addresses; none with --embedder: only the embedder is changed",
    )
    parser.add_argument("--out", required=True, metavar="INDEX", help="the folder of the index")
    parser.add_argument("--embedder", help=EMBEDDERS)
    parser.add_argument("--store", help="vector store: faiss (default), milvus or exact")
    parser.add_argument("--store-uri", metavar="URI", help="of a Milvus server, e.g. http://host:19530")
    parser.add_argument(
        "--plan", metavar="FILE", help="plan.json of 'advisor recommend'; its index settings are used"
    )
    parser.add_argument("--watch", action="store_true", help="go on and update whenever the documents change")
    parser.add_argument("--json", action="store_true", help="the report as JSON, with --watch one line each")


def run(args: argparse.Namespace) -> int:
    from apps.plan import rag_config
    from apps.progress import progress_bar
    from apps.settings import load_settings
    from rag import build_index, switch_embedder

    if not args.documents and (args.watch or not args.embedder):
        raise ValueError(
            "No documents named; give a folder, or --embedder NAME alone to change an index's embedder."
        )
    token = load_settings().store_token or None
    config = rag_config(
        args.plan, embedder=args.embedder, store=args.store, store_uri=args.store_uri, store_token=token
    )
    embedder = _named_embedder(args)
    documents = args.documents[0] if len(args.documents) == 1 else args.documents
    with progress_bar() as progress:
        if documents:
            index = build_index(documents, args.out, config, embedder=embedder, progress=progress)
        else:
            index = switch_embedder(args.out, embedder or args.embedder, config=config, progress=progress)
    report = index.report
    if args.json:
        found = report.as_dict() | {"index": args.out, "embedder": index.config.embedder}
        print(json.dumps(found, ensure_ascii=False, indent=None if args.watch else 2), flush=True)
    else:
        print(report.render())
        print(f"Embedder: {index.config.embedder}")
        print(f'Next: advisor ask "your question" --index {args.out}')
    if report.failed:
        print(f"advisor: {_left_out(report.failed)}", file=sys.stderr)
    if args.watch:
        _follow(index, documents, as_json=args.json)
    return 2 if report.failed else 0


def _named_embedder(args: argparse.Namespace) -> Embedder | None:
    """The one that was asked for; says beforehand what it takes where the index has another."""
    if not args.embedder:
        return None
    from rag.embed import load_embedder
    from rag.switch import what_switching_takes

    embedder = load_embedder(args.embedder)
    if takes := what_switching_takes(args.out, embedder):
        print(
            f"Changing {args.out} from embedder {takes.old!r} to {takes.new!r}: {takes.chunks} chunks are embedded "
            f"again. Until that is done the old ones answer, and both take about {takes.extra_bytes / 2**20:.0f} MiB "
            f"more of the disk. If it is interrupted, the same command goes on.",
            file=sys.stderr,
            flush=True,
        )
    return embedder


def _follow(index: Index, documents: str | Sequence[str], *, as_json: bool) -> None:
    """A line for each update until Ctrl-C; an error is said and the next change is waited for."""
    from rag.watch import watch

    given = [documents] if isinstance(documents, str) else documents
    once = " Web addresses are read once." if any("://" in one for one in given) else ""
    print(f"Watching for changes; stop with Ctrl-C.{once}", file=sys.stderr, flush=True)
    try:
        for outcome in watch(index, documents):
            if isinstance(outcome, Exception):
                print(f"advisor: {' '.join(str(outcome).split())}", file=sys.stderr, flush=True)
            elif as_json:
                print(json.dumps(outcome.as_dict(), ensure_ascii=False), flush=True)
            else:
                print(f"{time.strftime('%H:%M:%S')} {_in_a_line(outcome)}", flush=True)
    except KeyboardInterrupt:
        print("Stopped watching; the index is as the last line says.", file=sys.stderr)


def _in_a_line(report: IndexReport) -> str:
    failed = f"; {_left_out(report.failed)}" if report.failed else ""
    return report.render().splitlines()[0] + failed


def _left_out(failed: Sequence[str]) -> str:
    """One line that names the files; the reasons stand in the report."""
    names = [line.split(": ", 1)[0] for line in failed[:5]]
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"Not read: {', '.join(names)}{more} (reasons in the report); all other documents are indexed."
