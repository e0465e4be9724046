"""`advisor cost`: what each way to adapt costs to build, for 1,000 questions and a month, and where they break even."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from apps.chosen_card import add_card_flags, chosen_card
from apps.language import add_language, spoken_language
from apps.needs_flags import add_price_flags, prices_from_flags

if TYPE_CHECKING:
    from advisor import Card
    from advisor.cost_comparison import CostComparison, CostWishes
    from advisor.setups import ModelSpec

_METHODS = ("lora", "qlora", "dora", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="NAME", help="a catalogued model or a folder")
    add_card_flags(parser)
    parser.add_argument("--queries-per-day", type=float, default=1000.0, metavar="N", help="(default: 1000)")
    parser.add_argument(
        "--corpus-tokens",
        type=int,
        default=1_000_000,
        metavar="N",
        help="of the documents, for retrieval; 0 = there are none (default: %(default)s)",
    )
    parser.add_argument("--update-days", type=float, metavar="N", help="documents change every so many days")
    parser.add_argument(
        "--months", type=float, default=12.0, metavar="N", help="that pay for building (default: 12)"
    )
    parser.add_argument("--examples", type=int, default=1000, metavar="N", help="trained on (default: 1000)")
    parser.add_argument("--method", choices=_METHODS, default="lora", help="of training (default: lora)")
    parser.add_argument(
        "--seq-len", type=int, default=1024, metavar="N", help="tokens of an example (default: 1024)"
    )
    parser.add_argument("--epochs", type=float, default=3.0, metavar="N", help="(default: 3)")
    parser.add_argument("--answer-tokens", type=int, default=150, metavar="N", help="(default: 150)")
    parser.add_argument(
        "--concurrent", type=int, default=8, metavar="N", help="answered together (default: 8)"
    )
    parser.add_argument("--json", action="store_true", help="the comparison as JSON")
    add_language(parser)
    add_price_flags(parser.add_argument_group("prices in US dollars; m = a million tokens"))


def run(args: argparse.Namespace) -> int:
    from advisor import resolve_model
    from advisor.cost_comparison import compare_costs

    model, card, prices = resolve_model(args.model), _card(args), prices_from_flags(args)
    wishes = _on_card(_wishes(args), model, card)
    found = compare_costs(model, wishes, prices=prices, card=card)
    if not found.rows:
        raise ValueError(
            "Nothing to compare: name a card (--gpu L40S), or give --usd-per-m-input and --usd-per-m-output."
        )
    if args.json:
        print(json.dumps(_as_dict(found), ensure_ascii=False, indent=2))
        return 0
    from advisor.cost_text import render_costs

    print(render_costs(found, colour=sys.stdout.isatty(), language=spoken_language(args.lang)), end="")
    return 0


def _wishes(args: argparse.Namespace) -> CostWishes:
    from advisor.cost_comparison import CostWishes
    from advisor.limits import method_setup

    for name in ("queries_per_day", "months", "examples", "epochs", "seq_len", "concurrent"):
        if not getattr(args, name) > 0:
            raise ValueError(f"--{name.replace('_', '-')} is {getattr(args, name):g}; give a number above 0.")
    if args.corpus_tokens < 0:
        raise ValueError(f"--corpus-tokens is {args.corpus_tokens}; give 0 or more.")
    return CostWishes(
        queries_per_day=args.queries_per_day,
        corpus_tokens=args.corpus_tokens,
        examples=args.examples,
        train=method_setup(args.method, seq_len=args.seq_len),
        epochs=args.epochs,
        update_days=args.update_days,
        months=args.months,
        answer_tokens=args.answer_tokens,
        concurrent=args.concurrent,
    )


def _on_card(wishes: CostWishes, model: ModelSpec, card: Card | None) -> CostWishes:
    """With 4-bit weights where 16-bit ones do not fit the card; ValueError where these do not either."""
    from advisor import ServeSetup, estimate_memory

    if card is None:
        return wishes
    for dtype in ("bf16", "nf4"):
        setup = ServeSetup(weight_dtype=dtype, concurrent=wishes.concurrent)
        if estimate_memory(model, setup).device_gib <= card.vram_gib:
            return replace(wishes, weight_dtype=dtype)
    raise ValueError(
        f"{model.name} does not fit {card.name}, even with 4-bit weights; name a larger card or a smaller model."
    )


def _card(args: argparse.Namespace) -> Card | None:
    """The card as catalogued; one of which only the size is known is taken for the usual one of that size."""
    from advisor import find_card, typical_card

    found = chosen_card(args)
    return None if found is None else find_card(found.name) or typical_card(found.vram_gib)


def _as_dict(found: CostComparison) -> dict[str, Any]:
    """Names of options instead of the whole rows in what compares two of them."""
    whole = asdict(found)
    for told, turning in zip(whole["turnings"], found.turnings, strict=True):
        for side in ("cheapest", "other"):
            row = getattr(turning, side)
            told[side] = f"{row.strategy}, {row.cost.hosted}"
    return whole
