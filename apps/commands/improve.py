"""`advisor improve --from-feedback`: export, check, train, compare, and promote only what is better."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.feedback_sides import Sides
    from apps.improve_round import Round
    from apps.improve_wish import Wish
    from finetune.planning import RunPlan

NOT_PROMOTED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from-feedback",
        nargs="?",
        const="",
        metavar="FILE|URL",
        required=True,
        help="learn from the thumbs and corrections of this store (default: build/feedback.sqlite3)",
    )
    parser.add_argument(
        "--adapter",
        metavar="FOLDER",
        help="what is improved; new ones begin from --model (default: build/adapter)",
    )
    parser.add_argument("--model", help="the base (default: the one that the adapter's card names)")
    parser.add_argument(
        "--examples", metavar="FILE", help="questions with answers on which it must not become worse"
    )
    parser.add_argument(
        "--objective",
        choices=("dpo", "kto"),
        help="default: dpo with enough pairs, else kto with enough thumbs",
    )
    parser.add_argument(
        "--max-forgetting", type=float, metavar="NATS", help="how much of what the base knew may be lost"
    )
    parser.add_argument("--general", metavar="FILE", help="general rows to measure that with; 'none' = not")
    parser.add_argument("--no-promote", action="store_true", help="train and compare, and change nothing")
    parser.add_argument("--dry-run", action="store_true", help="show rows and steps, and train nothing")
    parser.add_argument("--restart", action="store_true", help="leave an interrupted round and begin anew")
    parser.add_argument(
        "--mask",
        action="store_true",
        help="replace personal data in the rows (names cannot be found reliably)",
    )
    parser.add_argument(
        "--no-context", action="store_true", help="learn without the sources and rules that the generator saw"
    )
    parser.add_argument(
        "--allow", action="append", default=[], metavar="KEY", help="train although the data has this defect"
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    _add_training_flags(parser.add_argument_group("training"))


def _add_training_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--method", help="of the first adapter alone; later ones keep theirs (default: lora)")
    group.add_argument("--epochs", type=float)
    group.add_argument("--max-steps", type=int)
    group.add_argument("--learning-rate", type=float)
    group.add_argument("--batch-size", type=int, help="rows at a time; halved where memory runs out")
    group.add_argument("--accumulation", type=int, help="batches of one step")
    group.add_argument("--max-length", type=int, help="tokens (default: those of the longest row)")
    group.add_argument("--beta", type=float, help="how dear it is to leave the adapter in place")
    group.add_argument("--gradient-checkpointing", action=argparse.BooleanOptionalAction)
    group.add_argument("--seed", type=int)


def run(args: argparse.Namespace) -> int:
    wish = _wish(args)
    if args.dry_run:
        return _show_plan(wish, as_json=args.json)
    from apps.commands.train import _say, _shown_in
    from apps.improve import Listeners, improve
    from apps.improve_text import render_report
    from apps.progress import progress_bar

    with progress_bar() as progress:
        report = improve(wish, Listeners(progress=progress, say=_say, on_step=_shown_in(progress)))
    print(json.dumps(report, ensure_ascii=False, indent=2) if args.json else render_report(report))
    return 0 if report["promoted"] else NOT_PROMOTED


def _wish(args: argparse.Namespace) -> Wish:
    from apps.feedback import feedback_store
    from apps.improve_wish import TRAINING, Wish
    from apps.settings import load_settings

    settings = load_settings(
        {"feedback": args.from_feedback or None, "adapter": args.adapter, "model": args.model}
    )
    gate: dict[str, Any] = {} if args.max_forgetting is None else {"max_forgetting": args.max_forgetting}
    if gate and not args.max_forgetting >= 0:
        raise ValueError(
            f"--max-forgetting is {args.max_forgetting}; give 0 or more nats per token (e.g. 0.1)."
        )
    return Wish(
        store=feedback_store(settings),
        adapter=Path(settings.adapter or Path(settings.build) / "adapter"),
        model=settings.model,
        kind=args.objective,
        examples=args.examples,
        mask=args.mask,
        context=not args.no_context,
        training={name: getattr(args, name) for name in TRAINING},
        allow=tuple(args.allow),
        promote=not args.no_promote,
        restart=args.restart,
        **gate,
    )


def _show_plan(wish: Wish, *, as_json: bool) -> int:
    from dataclasses import asdict

    from apps.improve_begin import prepare
    from apps.improve_text import render_plan

    sides, about = prepare(wish)
    plan = _plan(sides, about, wish.allow)
    if as_json:
        found = {**asdict(about), "steps": plan.steps, "stops": plan.stops}
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print(render_plan(sides, about, plan))
    return NOT_PROMOTED if plan.stops else 0


def _plan(sides: Sides, about: Round, allow: tuple[str, ...]) -> RunPlan:
    from tempfile import TemporaryDirectory

    from apps.improve_train import candidate_config
    from apps.predicted_memory import predicted_memory
    from finetune import load_examples
    from finetune.planning import plan_run

    with TemporaryDirectory() as folder:
        file = Path(folder) / "learned.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in sides.learned.rows), "utf-8")
        rows = load_examples(file)
        config = candidate_config(about, Path(folder) / "candidate", rows, allow)
        return plan_run(rows, config, predicted_memory)
