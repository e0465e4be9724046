"""`advisor judge QUESTIONS --model NAME --judge NAME --out FILE`: preference pairs from a judge in place of people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.commands.ask import add_answering

if TYPE_CHECKING:
    from apps.judge import JudgeReport, Limit
    from apps.judge_agreement import Agreement
    from apps.judges import Judge
    from apps.kept_lines import KeptLines
    from apps.principles import Principles
    from apps.progress import Progress
    from apps.sampled_answers import Drawn
    from apps.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Each pair of answers is judged twice, the second time the other way round; only pairs on which both verdicts "
        "agree are written, as rows for 'advisor train --objective dpo'. A run that was stopped goes on from FILE."
    )
    parser.add_argument(
        "questions", nargs="?", help='rows with "question", "prompt" or "messages"; or a text, one a line'
    )
    add_answering(parser)
    parser.add_argument(
        "--judge", required=True, help="a model, a server's URL, an adapter, or the folder of a reward model"
    )
    parser.add_argument("--judge-model", metavar="NAME", help="of a server: which of its models judges")
    parser.add_argument(
        "--principles", metavar="FILE", help="what is judged by, a principle a line (or TOML)"
    )
    parser.add_argument("--out", metavar="FILE", help="where the pairs go (JSONL)")
    parser.add_argument(
        "--agreement", metavar="STORE", help="compare the judge with people's thumbs: a feedback file or URL"
    )
    parser.add_argument("--samples", type=int, help="answers to each question (default 4)")
    parser.add_argument("--temperature", type=float, help="of the draw (default 0.7)")
    parser.add_argument("--top-p", type=float, help="share of likely tokens drawn from (default 0.9)")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--judge-timeout", type=float, metavar="SECONDS", help="for one reply (default 120)")
    parser.add_argument("--judge-requests", type=int, metavar="N", help="to a server at a time (default 4)")
    parser.add_argument(
        "--max-unread", type=float, metavar="SHARE", help="of comparisons without a verdict (default 0.3)"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from apps.judge_text import render_agreement, render_report
    from apps.judges import check_judge
    from apps.principles import load_principles
    from apps.progress import progress_bar
    from apps.settings import load_settings

    settings = load_settings(vars(args))
    _check(args)
    principles = load_principles(args.principles)
    check_judge(args.judge)
    with progress_bar() as progress:
        report, agreement = _judged(args, settings, principles, progress)
    if args.json:
        shown = None if report is None else {**asdict(report), "order_biased": report.order_biased}
        print(json.dumps({"report": shown, "agreement": [asdict(one) for one in agreement]}, indent=2))
        return 0
    lines = [] if report is None else [render_report(report, args.out)]
    print("\n".join([*lines, *map(render_agreement, agreement)]))
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.questions is None and args.agreement is None:
        raise ValueError("Nothing to judge; give a file of questions, or --agreement with a feedback store.")
    if args.questions is not None and args.out is None:
        raise ValueError("--out is missing; name the file that the pairs go to.")
    if args.judge_requests is not None and args.judge_requests < 1:
        raise ValueError(f"--judge-requests is {args.judge_requests}; give 1 or more.")
    if args.max_unread is not None and not 0 <= args.max_unread <= 1:
        raise ValueError(f"--max-unread is {args.max_unread}; give a share from 0 to 1.")


def _judged(
    args: argparse.Namespace, settings: Settings, principles: Principles, progress: Progress
) -> tuple[JudgeReport | None, list[Agreement]]:
    from apps.judge import Limit, rank_answers
    from apps.kept_lines import kept_lines
    from apps.numbers_of import numbers_of

    numbers = numbers_of("judge")["judge"]
    unread = numbers["max_unread"] if args.max_unread is None else args.max_unread
    limit = Limit(max_unread=unread, fewest=numbers["fewest"])
    out = None if args.out is None else Path(args.out)
    report, agreement = None, []
    # Beside the pairs, under a name that no reader of rows takes for data.
    journal = None if out is None else out.with_name(out.name + ".judged")
    with kept_lines(out if args.questions else None) as pairs, kept_lines(journal) as kept:
        drawn, generator = _drawn(args, settings, kept, progress) if args.questions else ([], None)
        judge = _opened(args, settings, principles, generator)
        _refuse_mixture(pairs, judge, args.out)
        with _saying_what_is_kept(out, kept, pairs):
            if args.questions:
                report = rank_answers(drawn, judge, kept, pairs, limit, progress, at_once=_at_once(args))
            if args.agreement:
                agreement = _agreement(args.agreement, judge, kept, limit, progress)
    return report, agreement


def _at_once(args: argparse.Namespace) -> int:
    """A model on this machine writes one reply at a time; a server several."""
    from apps.judges import check_judge
    from apps.numbers_of import numbers_of

    if check_judge(args.judge) != "server":
        return 1
    return int(args.judge_requests or numbers_of("judge")["judge"]["server_requests"])


def _agreement(
    store: str, judge: Judge, kept: KeptLines, limit: Limit, progress: Progress
) -> list[Agreement]:
    from apps.feedback import read_feedback
    from apps.judge_agreement import agreement_with_people

    return agreement_with_people(read_feedback(store), judge, kept, limit, progress)


def _drawn(
    args: argparse.Namespace, settings: Settings, kept: KeptLines, progress: Progress
) -> tuple[list[Drawn], Any]:
    """The sampled answers, and the generator that wrote them."""
    from apps.asked_questions import read_asked
    from apps.numbers_of import numbers_of
    from apps.opening import open_assistant
    from apps.patience import Patience
    from apps.sampled_answers import draw_answers
    from finetune.sampling import Sampling

    questions, numbers = read_asked(args.questions), numbers_of("judge")["samples"]
    given = {name: getattr(args, name) for name in ("temperature", "top_p")}
    drawing = {name: numbers[name] if value is None else value for name, value in given.items()}
    sampling = Sampling(**drawing, seed=args.seed)
    judging = numbers_of("judge")["judge"]
    assistant = open_assistant(settings)
    found = draw_answers(
        questions,
        assistant,
        kept,
        count=numbers["count"] if args.samples is None else args.samples,
        sampling=sampling,
        patience=Patience(tries=judging["tries"], wait_s=judging["wait_s"]),
        progress=progress,
    )
    return found, assistant.generator


def _opened(args: argparse.Namespace, settings: Settings, principles: Principles, generator: Any) -> Judge:
    from apps.judges import open_judge
    from apps.numbers_of import numbers_of
    from apps.patience import Patience

    numbers = numbers_of("judge")["judge"]
    return open_judge(
        args.judge,
        principles,
        patience=Patience(tries=numbers["tries"], wait_s=numbers["wait_s"]),
        limit_s=args.judge_timeout or numbers["timeout_s"],
        max_new_tokens=numbers["max_new_tokens"],
        reminders=numbers["reminders"],
        server_model=args.judge_model,
        key=settings.judge_key,
        loaded=generator,
    )


def _refuse_mixture(pairs: KeptLines, judge: Judge, out: str) -> None:
    """One file holds the verdicts of one judge by one set of principles."""
    by = judge.name, judge.principles.digest if judge.principles else ""
    for row in pairs.rows.values():
        if (row.get("judge"), row.get("principles")) != by:
            raise ValueError(
                f"'{out}' holds pairs of the judge '{row.get('judge')}' or of other principles; name another --out."
            )


@contextmanager
def _saying_what_is_kept(out: Path | None, kept: KeptLines, pairs: KeptLines) -> Iterator[None]:
    """A judge that fails half-way: the line ends with what there is and how to go on."""
    before = len(kept.rows)
    try:
        yield
    except (ConnectionError, TimeoutError, ValueError) as error:
        if out is None or len(kept.rows) == 0:
            raise
        kind = ConnectionError if isinstance(error, OSError) else ValueError
        new = len(kept.rows) - before
        count = f"{len(kept.rows)} answers and verdicts ({new} new) and {len(pairs.rows)} pairs"
        said = str(error).rstrip(".")
        raise kind(f"{said}. Kept beside '{out}': {count}; the same command goes on from there.") from error
