"""`advisor recommend`: prompt, retrieve, fine-tune or combine, with memory, reasons and what would change it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.chosen_card import add_card_flags
from apps.language import add_language, spoken_language
from apps.needs_flags import (
    add_need_flags,
    add_price_flags,
    needs_from_flags,
    prices_from_flags,
    questionnaire,
)

if TYPE_CHECKING:
    from advisor import DataProfile, Hardware, Needs, Recommendation
    from advisor.phrase import Language


def add_arguments(parser: argparse.ArgumentParser) -> None:
    # One flag for each question would fill the first screen; they stand below, in groups.
    parser.usage = (
        "%(prog)s [--data FOLDER] [--examples FILE] [--vram GIB | --gpu NAME] [--html FILE] "
        "[answers] [prices]"
    )
    parser.add_argument("--data", metavar="FOLDER", help="the documents")
    parser.add_argument("--examples", metavar="FILE", help="labelled examples: JSONL, JSON or CSV")
    parser.add_argument("--model", help="a catalogued model, or a folder with a config.json, to plan with")
    parser.add_argument(
        "--needs", metavar="FILE", help="answers as JSON, by the names that --questions shows"
    )
    parser.add_argument(
        "--plan", metavar="FILE", help="start from an earlier plan: its machine, data and answers"
    )
    parser.add_argument("--questions", action="store_true", help="print the questionnaire and stop")
    add_card_flags(parser)
    parser.add_argument("--gpus", type=int, metavar="N", help="plan for so many such cards")
    add_language(parser)
    parser.add_argument("--json", action="store_true", help="print the whole plan as JSON")
    parser.add_argument("--out", metavar="FILE", help="write the plan here, for --plan of index and train")
    parser.add_argument("--html", metavar="FILE", help="write the report here as one HTML page with pictures")
    parser.add_argument("--markdown", metavar="FILE", help="write the report here as Markdown; - prints it")
    add_need_flags(parser.add_argument_group("answers", "each one optional; they win over --needs"))
    add_price_flags(parser.add_argument_group("prices", "US dollars; without them cost is told in tokens"))


def run(args: argparse.Namespace) -> int:
    import advisor

    language = spoken_language(args.lang)
    if args.questions:
        print(questionnaire(language))
        return 0
    if args.json and args.markdown == "-":
        raise ValueError("--json and --markdown - both print; name a file for the Markdown.")
    earlier = _earlier(args.plan)
    needs = _needs(args, earlier)
    hardware, data = _hardware(args, needs, earlier), _data(args, earlier)
    found = advisor.recommend(hardware, data, needs, **_prices(args))
    _write_files(args, found, language)
    print(_shown(args, found, language), end="")
    return 0


def _prices(args: argparse.Namespace) -> dict[str, Any]:
    prices = prices_from_flags(args)
    return {} if prices is None else {"prices": prices}


def _earlier(path: str | None) -> Recommendation | None:
    if path is None:
        return None
    from apps.plan import read_plan

    return read_plan(path)


def _needs(args: argparse.Namespace, earlier: Recommendation | None) -> Needs:
    """Those of the plan, then of the file, then of the flags: the later win."""
    from advisor import Needs, as_asked, read_needs

    start = as_asked(earlier) if earlier else Needs()
    return needs_from_flags(args, start, read_needs(args.needs) if args.needs else Needs())


def _hardware(args: argparse.Namespace, needs: Needs, earlier: Recommendation | None) -> Hardware | None:
    """The card that was asked for, by flag or in the needs; else the plan's machine; else this one."""
    from advisor import detect_hardware, hardware_with_card, hardware_with_vram
    from apps.chosen_card import chosen_card

    vram = args.vram if args.vram is not None or args.gpu else needs.vram_gib
    asked = vram is not None or args.gpu is not None
    if earlier is not None and not asked:
        return earlier.hardware
    here = detect_hardware(cards=not asked)
    count = 1 if needs.gpus is None else needs.gpus
    if vram is not None:
        return hardware_with_vram(vram, here, count=count)
    card = chosen_card(args) if args.gpu is not None else None
    return hardware_with_card(card, here, count=count) if card is not None else here


def _data(args: argparse.Namespace, earlier: Recommendation | None) -> DataProfile | None:
    from advisor import profile_data

    if args.data or args.examples:
        return profile_data(args.data, args.examples)
    return earlier.data if earlier else None


def _shown(args: argparse.Namespace, found: Recommendation, language: Language) -> str:
    import advisor
    from apps.terminal import has_blocks

    if args.json:
        return advisor.to_json(found) + "\n"
    if args.markdown == "-":
        return advisor.render_markdown(found, language=language)
    return advisor.render_text(
        found, colour=sys.stdout.isatty(), language=language, ascii_only=not has_blocks(sys.stdout)
    )


def _write_files(args: argparse.Namespace, found: Recommendation, language: Language) -> None:
    import advisor

    if args.out:
        _write(Path(args.out), advisor.to_json(found), "plan")
    if args.html:
        _write(Path(args.html), advisor.render_html(found, language=language), "report")
    if args.markdown and args.markdown != "-":
        _write(Path(args.markdown), advisor.render_markdown(found, language=language), "report")


def _write(out: Path, text: str, what: str) -> None:
    """Beside the old file first, then in its place: a full disk costs nothing that was there."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; name a file for the {what}.")
    if out.parent.is_file():
        raise NotADirectoryError(f"{out.parent} is a file; name a folder for the {what}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(out.name + ".new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)
