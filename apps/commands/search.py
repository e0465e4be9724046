"""`advisor search QUERY --index INDEX`: the passages, their places and what each leg gave them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag import Index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query")
    parser.add_argument("--index", help="the folder of the index")
    parser.add_argument("-k", type=int, help="passages to show (default 6)")
    parser.add_argument(
        "--where", metavar="KEY=VALUE", action="append", default=[], help="only these, e.g. source=a.pdf"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from apps.opening import open_named_index
    from apps.settings import load_settings

    settings = load_settings({"index": args.index, "k": args.k})
    index = open_named_index(settings)
    where = _where(args.where)
    if not args.query.strip():
        raise ValueError("The query is empty; type one.")
    hits = index.search(args.query, k=settings.k, where=where)
    if where and not hits:
        _check_keys(where, index)
    if args.json:
        print(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False, indent=2))
        return 0
    for hit in hits:
        chunk = hit.chunk
        page = f", page {chunk.page}" if chunk.page else ""
        legs = f"dense {_number(hit.dense_score)}, BM25 {_number(hit.keyword_score)}"
        print(f"{hit.rank}. {chunk.source}{page}  score {hit.score:.3f} ({legs})")
        print("   " + " ".join(chunk.text.split())[:300])
    if not hits:
        print("Nothing found.")
    return 0


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def _where(pairs: list[str]) -> dict[str, str] | None:
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"--where {pair!r} is not KEY=VALUE; for example --where source=report.pdf.")
    return dict(pair.split("=", 1) for pair in pairs) or None


def _check_keys(where: dict[str, str], index: Index) -> None:
    """Nothing was found: tells a misspelt key from one that no document answers to."""
    known = {"source"}.union(*(document.metadata for document in index.documents()))
    for key in where:
        if key not in known:
            raise ValueError(f"No document has a {key!r} for --where; choose one of {sorted(known)}.")
