"""Defects that show once rows are tokens: ends that are cut, questions that fill the length, other layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.classify_rows import unread_lines
from finetune.data_findings import count, finding
from finetune.data_records import Finding, Lengths
from finetune.data_tokens import is_dropped
from finetune.objectives import SAMPLING, SEARCHING, Encoded
from finetune.sameness import answered, asked, passed_over
from finetune.schema import Example, TrainConfig
from finetune.template import closing_token, stops_in


def token_findings(
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    sizes: Lengths,
    config: TrainConfig,
    folder: Path,
    tokenizer: Any,
    allowed: int,
) -> list[Finding]:
    """`allowed`: tokens of the longest row that training takes."""
    found = [
        *_cut(encoded, sizes, config, allowed),
        *_control_tokens(examples, config, tokenizer),
    ]
    if config.objective in ("classify", "reward", "span_qa", *SEARCHING):
        return [*found, *_unread(encoded, config, tokenizer)]
    if config.objective == "pretrain" or config.objective in SAMPLING:
        return found
    return [*found, *_template(encoded, config), *_ends(encoded, config, folder, tokenizer)]


def _cut(encoded: Sequence[Encoded], sizes: Lengths, config: TrainConfig, allowed: int) -> list[Finding]:
    dropped = [example.line for example in encoded if is_dropped(example)]
    if dropped and len(dropped) == len(encoded):
        message = (
            f"Every row's question alone fills {allowed} tokens; give a larger --max-length: "
            f"99 % of the rows have at most {sizes.p99} tokens, the longest {sizes.most}"
        )
        return [Finding(key="too_long", message=message, rows=tuple(dropped), blocking=True, fatal=True)]
    cut = [
        example.line
        for example in encoded
        if any(row.cut for row in example.rows) and not is_dropped(example)
    ]
    found = []
    if cut:
        lost = {"classify": "their ends are not read", "reward": "their questions lose the beginning"}
        lost["span_qa"] = "their questions lose the end"
        lost |= dict.fromkeys(SEARCHING, "the ends of their texts are not read")
        end = lost.get(config.objective, "their answers lose the end")
        message = f"{len(cut)} of {count(len(encoded))} cut at {allowed} tokens: {end}"
        message += (
            f"; with --max-length {sizes.suggested} one row in a hundred would be"
            if sizes.suggested and sizes.suggested > allowed
            else f"; 99 % have at most {sizes.p99} tokens: shorten them, or take a model that reads more"
        )
        found.append(finding("truncated", message, cut, len(encoded), config.objective))
    if dropped:
        message = (
            f"{len(dropped)} of {count(len(encoded))} dropped: the question alone fills {allowed} tokens"
        )
        found.append(finding("dropped", message, dropped, len(encoded), config.objective))
    return found


def _control_tokens(examples: Sequence[Example], config: TrainConfig, tokenizer: Any) -> list[Finding]:
    """Rows that spell a special token: a tokenizer reads it as one, and a turn ends where none was meant to."""
    known = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    marks = [mark for mark in known if len(mark) > 3]  # "<s>" is struck-through text in HTML
    lines = [
        row.line
        for row in examples
        if any(mark in text for text in (asked(row), answered(row), passed_over(row)) for mark in marks)
    ]
    message = f"{count(len(lines))} with one of the model's control tokens spelt out, which then acts as one"
    return [finding("control_tokens", message, lines, len(examples), config.objective)] if lines else []


def _unread(encoded: Sequence[Encoded], config: TrainConfig, tokenizer: Any) -> list[Finding]:
    lines = unread_lines(encoded, tokenizer)
    message = (
        f"in {count(len(lines))} the model's vocabulary lacks most words; take one made for their language"
    )
    return [finding("unreadable", message, lines, len(encoded), config.objective)] if lines else []


def _template(encoded: Sequence[Encoded], config: TrainConfig) -> list[Finding]:
    lines = [example.line for example in encoded if any(row.unlike_prompt for row in example.rows)]
    message = (
        f"{count(len(lines))}: the chat template writes the question otherwise when the model answers, "
        "so it would answer in a layout it was not trained in"
    )
    return [finding("template", message, lines, len(encoded), config.objective)] if lines else []


def _ends(encoded: Sequence[Encoded], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Finding]:
    """Answers that reach their end and do not learn to stop there."""
    stops = stops_in(folder, tokenizer)
    lines = [
        example.line
        for example in encoded
        if any(not row.cut and row.labels[-1] not in stops for row in example.rows)
        and not is_dropped(example)
    ]
    message = f"{count(len(lines))} without a token at the end that stops the model: it would write on and on"
    found = [finding("no_eos", message, lines, len(encoded), config.objective)] if lines else []
    if closing_token(tokenizer) is None:
        message = (
            f"the chat template closes no answer; training adds {tokenizer.eos_token}, where answering stops"
        )
        found.append(Finding(key="end_added", message=message))
    return found
