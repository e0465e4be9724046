"""`advisor capacity`: index, memory, disk and hours for ten thousand to a billion chunks, or for one corpus."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from apps.chosen_card import add_card_flags, chosen_card
from apps.language import add_language, spoken_language

if TYPE_CHECKING:
    from advisor import CapacityPlan, Card
    from advisor.setups import ModelSpec

_EXAMPLE_CARD = "A100-80GB"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--chunks", type=float, metavar="N", help="chunks of one corpus, such as 1e7")
    which.add_argument(
        "--data", metavar="FOLDER", help="documents, from whose length the chunks are estimated"
    )
    parser.add_argument("--embedder", default="minilm", metavar="NAME", help="a catalogued model or a folder")
    parser.add_argument(
        "--dim", type=int, metavar="N", help="numbers of a vector (default: the embedder's width)"
    )
    parser.add_argument("--chunk-tokens", type=int, metavar="N", help="tokens of a chunk (default: 180)")
    parser.add_argument("--ram", type=float, metavar="GIB", default=64.0, help="of one machine (default: 64)")
    parser.add_argument("--cores", type=int, metavar="N", default=8, help="that embed on a CPU (default: 8)")
    add_card_flags(parser)
    parser.add_argument("--json", action="store_true", help="the plans as JSON")
    add_language(parser)


def run(args: argparse.Namespace) -> int:
    plans = _plans(args)
    one = args.chunks is not None or args.data is not None
    if args.json:
        print(json.dumps([asdict(plan) for plan in plans], ensure_ascii=False, indent=2))
        return 0
    from advisor.capacity_text import render_capacity

    text = render_capacity(plans, detail=one, colour=sys.stdout.isatty(), language=spoken_language(args.lang))
    print(text, end="")
    return 0


def _plans(args: argparse.Namespace) -> tuple[CapacityPlan, ...]:
    from advisor import capacity_table, resolve_model
    from advisor.capacity import ORDERS
    from rag.schema import RagConfig

    embedder = resolve_model(args.embedder)
    tokens = RagConfig().chunk_tokens if args.chunk_tokens is None else args.chunk_tokens
    chunks = ORDERS
    if args.data is not None:
        chunks = (_chunks_of(args.data, tokens),)
    elif args.chunks is not None:
        chunks = (_whole(args.chunks),)
    return capacity_table(
        _width(embedder) if args.dim is None else args.dim,
        chunks=chunks,
        chunk_tokens=tokens,
        ram_gib=args.ram,
        embedder=embedder,
        card=_card(args),
        cpu_cores=args.cores,
    )


def _chunks_of(folder: str, chunk_tokens: int) -> int:
    """Chunks overlap by as much as rag/ lets them, a sixth of their length."""
    from advisor import profile_data
    from rag.schema import RagConfig

    usual = RagConfig()
    step = chunk_tokens * (1 - usual.overlap_tokens / usual.chunk_tokens)
    return max(1, math.ceil(profile_data(folder).tokens / step))


def _whole(chunks: float) -> int:
    if not math.isfinite(chunks) or chunks < 1:
        raise ValueError(f"{chunks:g} chunks are no corpus; give 1 or more, such as 1e7.")
    return round(chunks)


def _width(embedder: ModelSpec) -> int:
    return embedder.hidden


def _card(args: argparse.Namespace) -> Card | None:
    """The card as catalogued; one of which only the size is known is taken for the usual one of that size."""
    from advisor import find_card, typical_card

    found = chosen_card(args)
    if found is None:
        return find_card(_EXAMPLE_CARD)
    return find_card(found.name) or typical_card(found.vram_gib)
