"""`advisor train FILE --model NAME --out FOLDER`: fine-tunes, and shows whether it helped."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune import TrainResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("examples", help="labelled examples: JSONL, JSON or CSV")
    parser.add_argument("--model", help="local folder, Hugging Face name, or 'minilm' (default: the plan's)")
    parser.add_argument("--out", required=True, help="the folder of the adapter")
    parser.add_argument("--method", help="full, lora (default) or qlora")
    parser.add_argument("--objective", help="sft (answers; default) or classify (labels)")
    parser.add_argument("--plan", metavar="FILE", help="plan.json of 'advisor recommend'")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--accumulation", type=int)
    parser.add_argument("--max-length", type=int, help="tokens; longer rows are cut and counted")
    parser.add_argument("--lora-rank", type=int)
    parser.add_argument("--save-steps", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true", default=None, help="go on from the last checkpoint")
    parser.add_argument("--overwrite", action="store_true", default=None, help="replace what is at --out")
    parser.add_argument("--json", action="store_true", help="the card and the run as JSON")


def run(args: argparse.Namespace) -> int:
    from apps.plan import train_config
    from apps.progress import progress_bar

    config = train_config(args.plan, vars(args))
    from finetune import load_examples, train

    examples = load_examples(args.examples)
    with progress_bar() as progress:
        result = train(examples, config, progress=progress)
    print(json.dumps(asdict(result), ensure_ascii=False, indent=2) if args.json else render(result))
    return 0


def render(result: TrainResult) -> str:
    """What was trained, on how much, and whether it helped."""
    card = result.card
    share = card.trainable_params / card.total_params
    lines = [
        f"{card.method} · {card.objective} · {card.rows} rows · {result.steps} steps · {result.seconds:.0f} s",
        f"trainable {card.trainable_params:,} of {card.total_params:,} parameters ({share:.2%})",
    ]
    lines += [
        _score(name, card.metrics_before.get(name), after) for name, after in card.metrics_after.items()
    ]
    lines += [*result.notes, f"Saved to {result.path}"]
    return "\n".join(lines)


def _score(name: str, before: float | None, after: float) -> str:
    said = name.replace("_", " ")
    if before is None or before == after:  # a fact about the data, such as the majority label's accuracy
        return f"{said}: {after:g}" if after.is_integer() else f"{said}: {after:.3f}"
    return f"{said}: {before:.3f} before, {after:.3f} after"
