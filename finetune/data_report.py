"""Checks rows before any training: what would be cut, masked, dropped, repeated, leaked or contradicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune.data_findings import count, row_findings
from finetune.data_limits import limits
from finetune.data_records import DataReport, Finding, Lengths
from finetune.data_tokens import counted, length_of, lengths, previews
from finetune.formats.faults import Fault
from finetune.judged_findings import thumb_counts
from finetune.languages import shares
from finetune.objectives import SAMPLING, Encoded, Objective, load_objective
from finetune.sameness import answered, asked
from finetune.schema import Example, TrainConfig
from finetune.starting import tokenizer_folder

__all__ = ["DataReport", "Finding", "check_data", "commonest_kind"]

_OBJECTIVE = {
    "labels": "classify",
    "texts": "pretrain",
    "conversations": "sft",
    "preferences": "dpo",
    "thumbs": "kto",
    "search pairs": "embed",
    "questions about passages": "span_qa",
}
_FAULTS = {
    "bad_rows": "{} that cannot be read; line {}: {}",
    "empty_answers": "{} without an answer; line {}: {}",
}


def check_data(
    examples: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    tokenizer_folder: Path | None,
    *,
    faults: Sequence[Fault] = (),
    show: int = 0,
) -> DataReport:
    """What training on `examples` with `config` would do to them, and whether `held_out` can measure it.

    `tokenizer_folder` is the model's folder; without it only what needs no tokens is looked at, and the report
    says what was not. `faults` are the rows that could not be read. `show` rows are previewed as the model will
    see them.
    """
    report = DataReport(
        objective=config.objective,
        model=config.model,
        max_length=config.max_length,
        rows=len(examples),
        held_out_rows=len(held_out),
        kinds=dict(Counter(kind_of(row) for row in examples).most_common()),
        findings=(*_faulty(faults, len(examples)), *row_findings(examples, held_out, config.objective)),
        labels=dict(Counter(row.label for row in examples if row.label is not None).most_common())
        or thumb_counts(examples),
        languages=shares(f"{asked(row)} {answered(row)}" for row in examples),
        unchecked=_not_compared(examples, held_out),
    )
    if not examples:
        return report
    if tokenizer_folder is None:
        return _in_characters(report, examples)
    return _in_tokens(report, examples, held_out, config, tokenizer_folder, show)


def kind_of(example: Example) -> str:
    """What kind of row it is, for the report."""
    if example.chosen:
        return "preferences"
    if example.thumb is not None:
        return "thumbs"
    if example.positives:
        return "search pairs"
    if example.context:
        return "questions about passages"
    if example.messages:
        return "conversations"
    return "texts" if example.label is None else "labels"


def commonest_kind(examples: Sequence[Example]) -> tuple[str, str]:
    """What most rows are, and the objective that learns from them; empty where none does yet."""
    kind = Counter(map(kind_of, examples)).most_common(1)[0][0]
    return kind, _OBJECTIVE.get(kind, "")


def _faulty(faults: Sequence[Fault], rows: int) -> list[Finding]:
    found = []
    for key, words in _FAULTS.items():
        bad = [fault for fault in faults if fault.key == key]
        if bad:
            message = words.format(count(len(bad)), bad[0].line, bad[0].reason.rstrip("."))
            lines = tuple(fault.line for fault in bad)
            found.append(Finding(key=key, message=message, rows=lines, blocking=True))
    return found


def _in_characters(report: DataReport, examples: Sequence[Example]) -> DataReport:
    sizes = [(row.line, len(asked(row)) + len(answered(row))) for row in examples]
    missing = (
        "tokens, cuts, masks, end tokens, the chat template and the preview: name the model with --model"
    )
    return replace(report, lengths=lengths(sizes, "characters"), unchecked=(*report.unchecked, missing))


def _in_tokens(
    report: DataReport,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    show: int,
) -> DataReport:
    from finetune.data_token_findings import token_findings

    objective: Objective = load_objective(config.objective)
    tokenizer = objective.load_tokenizer(tokenizer_folder(config, folder), examples)
    allowed = objective.longest(config, folder)  # first, since no row can be looked at where nothing fits
    encoded, refused = _encoded(objective, examples, config, folder, tokenizer)
    held, held_refused = _encoded(objective, held_out, config, folder, tokenizer)
    report = replace(report, findings=(*report.findings, *_refused([*refused, *held_refused], encoded)))
    if not encoded:
        return report
    sizes = _feasible(
        lengths([(one.line, length_of(one)) for one in encoded], "tokens"), config, folder, objective
    )
    rows, held_rows = objective.sequences(encoded, held, config, folder)
    found = token_findings(examples, encoded, sizes, config, folder, tokenizer, allowed)
    return replace(
        report,
        max_length=allowed,
        findings=(*report.findings, *found),
        training=counted(encoded, rows),
        held_out=counted(held, held_rows) if held_rows else None,
        lengths=sizes,
        preview=previews(encoded, tokenizer, show),
    )


def _encoded(
    objective: Objective, rows: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any
) -> tuple[list[Encoded], list[Fault]]:
    """The rows in tokens, and those that the model's template refuses: the rest is still looked at."""
    strict = replace(config, allow=())
    try:
        return objective.encode(rows, strict, folder, tokenizer), []
    except ValueError:
        encoded, refused = [], []
        for row in rows:
            try:
                encoded += objective.encode([row], strict, folder, tokenizer)
            except ValueError as error:
                refused.append(Fault(line=row.line, reason=str(error), key="refused"))
        return encoded, refused


def _refused(refused: Sequence[Fault], encoded: Sequence[Encoded]) -> list[Finding]:
    if not refused:
        return []
    message = f"{count(len(refused))} that the chat template refuses; {refused[0].reason.rstrip('.')}"
    lines = tuple(fault.line for fault in refused)
    return [Finding(key="refused", message=message, rows=lines, blocking=True, fatal=not encoded)]


def _feasible(sizes: Lengths, config: TrainConfig, folder: Path, objective: Objective) -> Lengths:
    """A length is suggested where rows are cut by it, and none that the model cannot read."""
    if config.objective in SAMPLING:  # a length there is of question and answer together
        return replace(sizes, suggested=None)
    most = objective.longest(replace(config, max_length=sizes.most + 8), folder)
    if config.objective == "pretrain" or sizes.suggested is None or sizes.p99 > most:
        return replace(sizes, suggested=None)
    return replace(sizes, suggested=min(sizes.suggested, most))


def _not_compared(examples: Sequence[Example], held_out: Sequence[Example]) -> tuple[str, ...]:
    said = []
    if not held_out:
        said.append("leakage into evaluation: no row is held out; name a file with --eval")
    most = limits()["notes"]["near_characters"]
    if sum(len(asked(row)) + len(answered(row)) for row in examples) > most:
        said.append(f"near duplicates: more than {most:,} characters of text")
    return tuple(said)
