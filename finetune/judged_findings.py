"""Defects of judged answers that show without a tokenizer: equal or contradictory pairs, one-sided thumbs, length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from finetune.data_limits import limits, stops
from finetune.data_records import Finding
from finetune.sameness import answered, asked, grouped, normalised, passed_over
from finetune.schema import Example

Rows = Sequence[Example]


def judged_findings(rows: Rows, objective: str) -> list[Finding]:
    if objective == "kto":
        return [*_one_sided(rows), *_torn_thumbs(rows, objective), *_liked_longer(rows)]
    return [*_equal(rows, objective), *_contradictory(rows, objective), *_longer(rows)]


def thumb_counts(rows: Rows) -> dict[str, int]:
    """ "liked" and "disliked", as far as there are thumbs."""
    found = Counter("liked" if row.thumb else "disliked" for row in rows if row.thumb is not None)
    return {name: found[name] for name in ("liked", "disliked") if found[name]}


def _found(key: str, message: str, lines: Sequence[int], total: int, objective: str) -> list[Finding]:
    if not lines:
        return []
    blocking = stops(key, len(lines) / total, objective)
    return [Finding(key=key, message=message, rows=tuple(sorted(lines)), blocking=blocking)]


def _one_sided(rows: Rows) -> list[Finding]:
    """KTO learns how the two kinds differ; from one alone only to write anything more, or less, likely."""
    counts = thumb_counts(rows)
    if len(counts) != 1:
        return []
    missing = "disliked" if "liked" in counts else "liked"
    message = f"every one of {len(rows)} answers is {next(iter(counts))}; 'kto' needs {missing} ones as well"
    cure = "collect some, or learn the liked ones as plain answers (--objective sft, rows without thumbs)"
    if missing == "liked":
        cure = "collect some, or pair each with a better answer (--objective dpo)"
    return [Finding(key="one_sided", message=f"{message}: {cure}", blocking=True, fatal=True)]


def _torn_thumbs(rows: Rows, objective: str) -> list[Finding]:
    lines = []
    for places in grouped(_said(row) for row in rows).values():
        if len({rows[place].thumb for place in places}) > 1:
            lines += [rows[place].line for place in places]
    message = f"{len(lines)} rows whose answer is liked in one and disliked in another"
    return _found("contradictions", message, lines, len(rows), objective)


def _said(row: Example) -> str:
    return f"{normalised(asked(row))}\0{normalised(row.messages[-1]['content'])}"


def _equal(rows: Rows, objective: str) -> list[Finding]:
    lines = [row.line for row in rows if normalised(answered(row)) == normalised(passed_over(row))]
    message = f"{len(lines)} pairs whose answers differ in case, spaces or punctuation at most"
    return _found("equal_pairs", message, lines, len(rows), objective)


def _contradictory(rows: Rows, objective: str) -> list[Finding]:
    """A over B in one row and B over A in another one."""
    order = [tuple(map(normalised, (asked(row), answered(row), passed_over(row)))) for row in rows]
    known = set(order)
    lines = [
        row.line
        for row, (question, better, worse) in zip(rows, order, strict=True)
        if better != worse and (question, worse, better) in known
    ]
    message = f"{len(lines)} pairs that another row turns round: its better answer is the worse one there"
    return _found("contradictions", message, lines, len(rows), objective)


def _longer(rows: Rows) -> list[Finding]:
    """A model learns to write at length where that alone tells the better answer."""
    lengths = [(len(answered(row)), len(passed_over(row))) for row in rows]
    share = sum((better > worse) + (better == worse) / 2 for better, worse in lengths) / max(len(rows), 1)
    if abs(share - 0.5) < limits()["notes"]["length_bias"] - 0.5:
        return []
    longer, part = ("longer", share) if share > 0.5 else ("shorter", 1 - share)
    message = f"the better answer is the {longer} one in {part:.0%} of the pairs: length alone may be learned"
    return [Finding(key="length_bias", message=message)]


def _liked_longer(rows: Rows) -> list[Finding]:
    sizes: dict[bool, list[int]] = {True: [], False: []}
    for row in rows:
        sizes[bool(row.thumb)].append(len(row.messages[-1]["content"]))
    if not all(sizes.values()):
        return []
    liked, disliked = (sum(one) / len(one) for one in (sizes[True], sizes[False]))
    times = max(liked, disliked) / max(1.0, min(liked, disliked))
    if times < limits()["notes"]["length_times"]:
        return []
    longer, shorter = ("liked", "disliked") if liked > disliked else ("disliked", "liked")
    message = f"{longer} answers are {times:.1f} times as long as {shorter} ones: length alone may be learned"
    return [Finding(key="length_bias", message=message)]
