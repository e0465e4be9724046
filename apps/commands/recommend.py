"""`advisor recommend`: prompt, retrieve, fine-tune or combine, with memory, reasons and what would change it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor import Needs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vram", type=float, metavar="GIB", help="plan for a card of this size (default: this machine)"
    )
    parser.add_argument("--data", metavar="FOLDER", help="the documents")
    parser.add_argument("--examples", metavar="FILE", help="labelled examples: JSONL, JSON or CSV")
    parser.add_argument(
        "--needs", metavar="FILE", help="answers to the questionnaire as JSON; see --questions"
    )
    parser.add_argument("--model", help="a catalogued model to plan with")
    parser.add_argument("--questions", action="store_true", help="print the questionnaire and stop")
    parser.add_argument("--json", action="store_true", help="the whole plan as JSON")
    parser.add_argument("--out", metavar="FILE", help="write the plan here, for --plan of index and train")


def run(args: argparse.Namespace) -> int:
    import advisor

    if args.questions:
        print(_questionnaire())
        return 0
    hardware = advisor.detect_hardware(cards=args.vram is None)
    if args.vram is not None:
        hardware = advisor.hardware_with_vram(args.vram, hardware)
    needs = _needs(args.needs, args.model)
    data = advisor.profile_data(args.data, args.examples) if args.data or args.examples else None
    plan = advisor.recommend(hardware, data, needs)
    if args.out:
        _write(Path(args.out), advisor.to_json(plan))
    if args.json:
        print(advisor.to_json(plan))
    else:
        print(advisor.render_text(plan, colour=sys.stdout.isatty()), end="")
    return 0


def _write(out: Path, plan: str) -> None:
    """Beside the old plan first, then in its place: a full disk costs no plan."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; name a file for the plan, such as {out / 'plan.json'}.")
    if out.parent.is_file():
        raise NotADirectoryError(f"{out.parent} is a file; name a folder for the plan.")
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(out.name + ".new")
    try:
        fresh.write_text(plan, "utf-8")
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)


def _needs(path: str | None, model: str | None) -> Needs:
    from dataclasses import replace

    from advisor import Needs, read_needs

    needs = read_needs(path) if path else Needs()
    return replace(needs, model=model) if model else needs


def _questionnaire() -> str:
    from advisor import QUESTIONS

    lines = []
    for question in QUESTIONS:
        choices = f" ({', '.join(choice.value for choice in question.choices)})" if question.choices else ""
        lines.append(f"{question.key}: {question.text}{choices}")
    return "\n".join(lines)
