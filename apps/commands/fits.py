"""`advisor fits`: for each catalogued model and method, the longest rows and the largest batch that fit a card."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any, get_args

from advisor.setups import Method, TrainSetup
from apps.chosen_card import add_card_flags, chosen_card
from apps.language import add_language, spoken_language
from apps.setup_flags import add_setup_flags, given_fields
from apps.terminal import has_blocks

if TYPE_CHECKING:
    from advisor import FitRow, Gpu, ModelSpec

_DEFAULT_METHODS: tuple[Method, ...] = ("full", "lora", "qlora")
_OWN = ("method", "batch_size")  # several methods; the batch is what is looked for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "advisor fits [--vram GIB | --gpu NAME] [--model NAME ...] [--method NAME ...] [options]"
    add_card_flags(parser)
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME",
        help="catalogued models or folders (default: the whole catalogue)",
    )
    parser.add_argument(
        "--method",
        nargs="+",
        choices=get_args(Method),
        default=_DEFAULT_METHODS,
        metavar="NAME",
        help=f"any of {', '.join(get_args(Method))} (default: {' '.join(_DEFAULT_METHODS)})",
    )
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    add_language(parser)
    add_setup_flags(parser.add_argument_group("how it is trained"), TrainSetup, skip=_OWN)


def run(args: argparse.Namespace) -> int:
    setups = _setups(args)
    card, models = _card(args), _models(args.model)
    rows = _rows(card, models, setups)
    if args.json:
        print(json.dumps(_as_dict(rows, setups, card), ensure_ascii=False, indent=2))
        return 0
    from advisor.fits_text import render_fits

    text = render_fits(
        rows,
        setups,
        card,
        colour=sys.stdout.isatty(),
        language=spoken_language(args.lang),
        ascii_only=not has_blocks(sys.stdout),
    )
    print(text, end="")
    return 0


def _setups(args: argparse.Namespace) -> list[TrainSetup]:
    """One for each method; a weight dtype goes to the methods that can have it, a quantised one to QLoRA."""
    from advisor.limits import FLOAT_DTYPES, method_setup

    given = {name: value for name, value in given_fields(args, TrainSetup).items() if name not in _OWN}
    dtype = given.pop("weight_dtype", None)
    methods: list[Method] = list(dict.fromkeys(args.method))
    suited = [method for method in methods if dtype and (method == "qlora") != (dtype in FLOAT_DTYPES)]
    if dtype and not suited:
        raise ValueError(f"None of {methods} is run with weights in {dtype}; name another method or dtype.")
    return [
        method_setup(method, **given, **({"weight_dtype": dtype} if method in suited else {}))
        for method in methods
    ]


def _rows(card: Gpu, models: Sequence[ModelSpec], setups: Sequence[TrainSetup]) -> list[FitRow]:
    from advisor import fits_table

    rows: list[FitRow] = []
    for setup in setups:
        fields = {item.name: getattr(setup, item.name) for item in dataclass_fields(setup)}
        method = fields.pop("method")
        rows += fits_table(card.vram_gib, models, [method], gpu=card.name, **fields)
    return sorted(rows, key=lambda row: models.index(row.model))


def _card(args: argparse.Namespace) -> Gpu:
    card = chosen_card(args)
    if card is None:
        raise ValueError(
            "No card was found on this machine; give a size or a name: --vram 24 or --gpu 'RTX 4090'."
        )
    return card


def _models(names: Sequence[str] | None) -> list[ModelSpec]:
    """Smallest first; without names the whole catalogue."""
    from advisor import resolve_model
    from advisor.catalog import models
    from advisor.fits_text import size_b

    wanted = [resolve_model(name) for name in names] if names else models()
    return sorted(dict.fromkeys(wanted), key=size_b)


def _as_dict(rows: Sequence[FitRow], setups: Sequence[TrainSetup], card: Gpu) -> dict[str, Any]:
    from advisor.fits_text import size_b

    def row_as_dict(row: FitRow) -> dict[str, Any]:
        values = {item.name: getattr(row, item.name) for item in dataclass_fields(row)}
        return {**values, "model": row.model.name, "params_b": round(size_b(row.model), 3)}

    return {
        "card": {"name": card.name, "vram_gib": card.vram_gib},
        "setups": [asdict(setup) for setup in setups],
        "rows": [row_as_dict(row) for row in rows],
    }
