"""`advisor estimate`: memory of one training step or of serving, part by part, and whether it fits a card."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.setups import ModelSpec, ServeSetup, TrainSetup
from apps.chosen_card import add_card_flags, chosen_card
from apps.language import add_language, spoken_language
from apps.setup_flags import add_setup_flags, flag_of, given_fields
from apps.terminal import has_blocks

if TYPE_CHECKING:
    from advisor.simulate import Simulation

_SHARED = ("weight_dtype", "attention")  # fields of both setups


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "advisor estimate (--model NAME | --config FILE) [--vram GIB | --gpu NAME] [options]"
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", metavar="NAME", help="a catalogued model, or a folder with a config.json")
    which.add_argument("--config", metavar="FILE", help="a Hugging Face config.json")
    add_card_flags(parser)
    parser.add_argument("--serve", action="store_true", help="answering instead of training")
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="run one step of the real model code on fake tensors too (needs torch)",
    )
    parser.add_argument("--json", action="store_true", help="the whole answer as JSON")
    add_language(parser)
    add_setup_flags(
        parser.add_argument_group("training; --weight-dtype and --attention are of answering too"), TrainSetup
    )
    add_setup_flags(parser.add_argument_group("answering, with --serve"), ServeSetup, skip=_SHARED)


def run(args: argparse.Namespace) -> int:
    from advisor.memory_answer import answer, as_dict

    _refuse_mixed(args)
    model = _model(args)
    setup = _setup(args, model)
    card = chosen_card(args)
    found = answer(model, setup, card, simulation=_simulated(args, model, setup) if args.simulate else None)
    if args.json:
        print(json.dumps(as_dict(found), ensure_ascii=False, indent=2))
        return 0
    from advisor.estimate_text import render_estimate

    text = render_estimate(
        found,
        colour=sys.stdout.isatty(),
        language=spoken_language(args.lang),
        ascii_only=not has_blocks(sys.stdout),
    )
    print(text, end="")
    return 0


def _refuse_mixed(args: argparse.Namespace) -> None:
    """A flag that says nothing about what is asked is a mistake, not something to pass over."""
    training, serving = set(given_fields(args, TrainSetup)), set(given_fields(args, ServeSetup))
    idle = sorted(training - serving if args.serve else serving - set(_SHARED))
    if idle and args.serve:
        raise ValueError(f"{flag_of(idle[0])} is about training; leave out either it or --serve.")
    if idle:
        raise ValueError(f"{flag_of(idle[0])} is about answering; add --serve.")
    if args.serve and args.simulate:
        raise ValueError("--simulate runs a training step; leave out either it or --serve.")


def _model(args: argparse.Namespace) -> ModelSpec:
    from advisor import resolve_model

    return ModelSpec.from_config(Path(args.config)) if args.config else resolve_model(args.model)


def _setup(args: argparse.Namespace, model: ModelSpec) -> TrainSetup | ServeSetup:
    """What was given; a default length ends at the model's window."""
    from advisor.limits import method_setup

    window = model.context_tokens or sys.maxsize
    fields: dict[str, Any] = given_fields(args, ServeSetup if args.serve else TrainSetup)
    if args.serve:
        return ServeSetup(**{"context_tokens": min(ServeSetup().context_tokens, window), **fields})
    return method_setup(
        **{"method": TrainSetup().method, "seq_len": min(TrainSetup().seq_len, window), **fields}
    )


def _simulated(args: argparse.Namespace, model: ModelSpec, setup: TrainSetup | ServeSetup) -> Simulation:
    """Of the config.json where there is one, else of the catalogued shape."""
    from advisor.hub_config import hub_config
    from advisor.simulate import simulate_memory

    path = Path(args.config or args.model)
    assert isinstance(setup, TrainSetup)
    with _waiting():
        return simulate_memory(path if path.exists() else hub_config(model), setup)


def _waiting() -> AbstractContextManager[object]:
    """A sign of life on the terminal: a simulation takes seconds."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("one training step on fake tensors ...")
