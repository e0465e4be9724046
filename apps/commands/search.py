"""`advisor search QUERY --index INDEX`: the passages, their places and what each leg gave them, or the whole record."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag import Hit, Index
    from rag.conditions import Condition


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query")
    parser.add_argument("--index", help="the folder of the index")
    parser.add_argument("-k", type=int, help="passages to show (default 6)")
    parser.add_argument(
        "--where",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="only these, e.g. source=a.pdf, or an expression: 'source ~ \"*.pdf\" and (date >= 2025 or page < 3)'",
    )
    parser.add_argument(
        "--rerank",
        metavar="MODEL",
        help="a cross-encoder that reads the best passages again: a folder, a hub name, or minilm, which comes along",
    )
    parser.add_argument("--diversity", type=float, help="0 to 1: how unlike one another (default 0)")
    parser.add_argument("--neighbours", type=int, help="passages joined on either side (default 0)")
    parser.add_argument(
        "--all-versions",
        action="store_true",
        help="do not put newer versions of a document before older ones",
    )
    parser.add_argument("--trace", action="store_true", help="also how they were found, and what was dropped")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from apps.opening import open_named_index
    from apps.settings import load_settings

    settings = load_settings(vars(args))
    condition = _condition(args.where)
    index = open_named_index(settings, recency=not args.all_versions)
    if not args.query.strip():
        raise ValueError("The query is empty; type one.")
    trace = index.trace(args.query, k=settings.k, where=condition)
    if condition is not None and not trace.hits:
        _check_fields(condition, index)
    if args.json:
        found: Any = trace.as_dict() if args.trace else [asdict(hit) for hit in trace.hits]
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        from rag.inert import visible

        print(visible(trace.render() if args.trace else render(trace.hits)))
    return 0


def render(hits: tuple[Hit, ...]) -> str:
    """Two lines a passage."""
    lines: list[str] = []
    for hit in hits:
        chunk = hit.chunk
        page = f", page {chunk.page}" if chunk.page else ""
        legs = f"dense {_number(hit.dense_score)}, BM25 {_number(hit.keyword_score)}"
        lines.append(f"{hit.rank}. {chunk.source}{page}  score {hit.score:.3f} ({legs})")
        lines.append("   " + " ".join(chunk.text.split())[:300])
    return "\n".join(lines) or "Nothing found."


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


_PAIR = re.compile(r"\s*([\w.-]+)\s*=(?!=)\s*([^=<>~\"']*)")


def _condition(given: list[str]) -> Condition | None:
    """Each `--where` must hold; several values of one KEY are alternatives."""
    from rag.conditions import Compare, Every, Some, condition_of, parse_condition

    alternatives: dict[str, list[Condition]] = {}
    for number, text in enumerate(given):
        pair = _PAIR.fullmatch(text)
        try:
            part: Condition | None = parse_condition(text)
        except ValueError as mistake:
            if pair is None or not pair[2].strip():
                raise _wrong(text, mistake) from None
            part = condition_of({pair[1]: pair[2]})  # a value that an expression would quote: it has a space
        key = pair[1] if pair and not (isinstance(part, Compare) and part.operator != "=") else f"#{number}"
        if part is not None:
            alternatives.setdefault(key, []).append(part)
    parts = tuple(Some(tuple(same)) for same in alternatives.values())
    return Every(parts) if parts else None


def _wrong(text: str, mistake: ValueError) -> ValueError:
    if not any(sign in text for sign in "=<>~()"):
        return ValueError(
            f"--where {text!r} is not KEY=VALUE; for example --where source=report.pdf, "
            f"or an expression such as --where 'page < 3 and date >= 2025'."
        )
    return ValueError(f"--where: {mistake}")


def _check_fields(condition: Condition, index: Index) -> None:
    """Nothing was found: tells a misspelt key from one that no document answers to."""
    from rag.conditions import fields_of

    known = {"source", "page"}.union(*(document.metadata for document in index.documents()))
    for field in sorted(fields_of(condition) - known):
        raise ValueError(f"No document has a {field!r} for --where; choose one of {sorted(known)}.")
