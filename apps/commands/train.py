"""`advisor train FILE --model NAME --out FOLDER`: fine-tunes, and shows whether it helped."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from apps.commands.alignment_flags import add_alignment_flags, add_sampling_flags
from apps.commands.embed_flags import add_embed_flags
from apps.commands.ground_flags import add_ground_flags, ground_config, refuse_alone
from apps.commands.method_flags import add_method_flags

if TYPE_CHECKING:
    from apps.ground_run import Learned
    from apps.progress import Progress
    from finetune import Example, TrainConfig, TrainResult
    from finetune.told import StepFigures

SET_ASIDE = 1  # the adapter is there, but not where it was asked for
WOULD_STOP = 1  # of a dry run: the data would stop the run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "examples", help="examples (JSONL, JSON, CSV, XLSX or a folder); documents to pretrain on"
    )
    parser.add_argument("--model", help="local folder, Hugging Face name, or 'minilm' (default: the plan's)")
    parser.add_argument("--out", required=True, help="the folder of the adapter")
    parser.add_argument("--method", help="lora (default), qlora, full and others: see docs/methods.md")
    parser.add_argument(
        "--objective",
        help="sft (answers; default), classify (labels), pretrain (raw text), dpo or reward (pairs), kto (thumbs), "
        "ppo or grpo (prompts), span_qa (questions with passages and the answers in them), embed or rerank "
        "(questions with passages that answer them)",
    )
    parser.add_argument("--plan", metavar="FILE", help="plan.json of 'advisor recommend'")
    parser.add_argument(
        "--dry-run", action="store_true", help="show data, steps and memory, and train nothing"
    )
    parser.add_argument(
        "--allow", action="append", metavar="KEY", help="train although the data has this defect"
    )
    parser.add_argument("--resume", action="store_true", default=None, help="go on from the last checkpoint")
    parser.add_argument("--overwrite", action="store_true", default=None, help="replace what is at --out")
    parser.add_argument("--json", action="store_true", help="the card and the run as JSON")
    _add_run_flags(parser.add_argument_group("the run"))
    add_alignment_flags(parser.add_argument_group("preferences"))
    add_sampling_flags(parser.add_argument_group("sampled answers (ppo, grpo)"))
    add_embed_flags(parser.add_argument_group("learning to search (embed)"))
    add_method_flags(parser.add_argument_group("single methods"))
    _add_proof_flags(parser.add_argument_group("did it help, and what did it cost"))
    _add_grounding(parser.add_argument_group("grounded rows: learn to answer from passages (RAFT)"))


def _add_grounding(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--ground", metavar="INDEX", help="put passages of this index into the prompts")
    add_ground_flags(group)
    group.add_argument("--out-rows", metavar="FILE", help="write the grounded rows here too")


def _add_run_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=float)
    group.add_argument("--max-steps", type=int)
    group.add_argument("--learning-rate", type=float)
    group.add_argument(
        "--head-learning-rate", type=float, help="of a classifier's head beside a trained body"
    )
    group.add_argument(
        "--batch-size",
        type=int,
        help="rows at a time, in each process of torchrun; halved where memory runs out",
    )
    group.add_argument("--accumulation", type=int, help="batches of one step")
    group.add_argument("--max-length", type=int, help="tokens; longer rows are cut and counted")
    group.add_argument(
        "--answers", choices=("all", "last"), help="which of a conversation are learned (default: all)"
    )
    group.add_argument(
        "--packing", action="store_true", default=None, help="several rows in one sequence: no padding"
    )
    group.add_argument(
        "--gradient-checkpointing",
        action=argparse.BooleanOptionalAction,
        help="less memory for about a third more time (default: on a card, but not to classify)",
    )
    group.add_argument("--lora-rank", type=int)
    group.add_argument("--save-steps", type=int, help="steps between two checkpoints")
    group.add_argument("--seed", type=int)


def _add_proof_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--eval-steps", type=int, help="steps between two scorings of the held-out rows")
    group.add_argument(
        "--patience", type=int, help="scorings without a gain before stopping early; 0 = never"
    )
    group.add_argument("--stop-on", help="what they look at: loss; of a classifier also accuracy, macro_f1")
    group.add_argument(
        "--metric-rows", type=int, help="held-out questions answered before and after; 0 = none"
    )
    group.add_argument(
        "--general", metavar="FILE", help="general rows to measure forgetting with; 'none' = not"
    )
    group.add_argument(
        "--max-forgetting", type=float, metavar="NATS", help="set aside what forgot more than this"
    )
    group.add_argument("--replay", type=float, metavar="SHARE", help="share of general rows to learn beside")
    group.add_argument("--report-to", action="append", metavar="NAME", help="tensorboard, wandb, mlflow, ...")


def run(args: argparse.Namespace) -> int:
    from apps.plan import train_config

    config = train_config(args.plan, vars(args))
    from apps.training_rows import training_rows

    learned = _grounded(training_rows(args.examples, config), config, args)
    if args.dry_run:
        return _show_plan(learned, as_json=args.json)
    result = _train(learned)
    _show(replace(result, notes=(*learned.notes, *result.notes)), as_json=args.json)
    return SET_ASIDE if result.card.set_aside else 0


def _grounded(rows: list[Example], config: TrainConfig, args: argparse.Namespace) -> Learned:
    """The rows as they are, or with passages of the index that --ground names."""
    from apps.ground_run import Learned, ground_run
    from apps.progress import progress_bar
    from finetune.processes import is_first

    if args.ground is None:
        refuse_alone(args)
        return Learned(rows=rows, config=config)
    chosen = ground_config(args, config.seed)
    fixed, out = args.max_length is not None, args.out_rows if is_first() else None
    if not is_first():
        return ground_run(rows, args.ground, chosen, config, fixed_length=fixed)
    with progress_bar() as progress:
        return ground_run(rows, args.ground, chosen, config, progress, fixed_length=fixed, out=out)


def _show(result: TrainResult, *, as_json: bool) -> None:
    from apps.train_text import render_result
    from finetune.processes import is_first

    if is_first():
        print(json.dumps(asdict(result), ensure_ascii=False, indent=2) if as_json else render_result(result))


def _show_plan(learned: Learned, *, as_json: bool) -> int:
    from apps.predicted_memory import predicted_memory
    from apps.train_text import render_plan
    from finetune.planning import plan_run
    from finetune.processes import is_first

    plan = plan_run(learned.rows, learned.config, predicted_memory)
    if is_first() and as_json:
        print(json.dumps(asdict(plan) | learned.as_json(), ensure_ascii=False, indent=2))
    elif is_first():
        print("\n".join([*learned.notes, render_plan(plan)]))
    return WOULD_STOP if plan.stops else 0


def _train(learned: Learned) -> TrainResult:
    from apps.predicted_memory import predicted_memory
    from apps.progress import progress_bar
    from finetune import train
    from finetune.processes import is_first

    rows, config, made_from = learned.rows, learned.config, learned.made_from
    if not is_first():  # of the processes of one run the first one tells of it
        return train(rows, config, predict=predicted_memory, made_from=made_from)
    with progress_bar() as progress:
        return train(
            rows, config, progress, say=_say, on_step=_shown_in(progress), predict=predicted_memory,
            made_from=made_from,
        )  # fmt: skip


def _say(line: str) -> None:
    print(f"note: {line}", file=sys.stderr, flush=True)


def _shown_in(progress: Progress) -> Callable[[StepFigures], None]:
    """Loss, or reward and KL, and speed stand beside the bar."""

    def show(step: StepFigures) -> None:
        speed = step.tokens / step.seconds if step.seconds else 0.0
        how = f"loss {step.loss:.3f}"
        if "reward" in step.more:
            how = f"reward {step.more['reward']:.3f}, KL {step.more['kl']:.2f}"
        progress("train", step.step, step.total, f"{how}, {speed:,.0f} tokens/s")

    return show
