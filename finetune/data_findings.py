"""Defects that the rows show by themselves, without a tokenizer: repeats, contradictions, leaks, labels. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from finetune.data_limits import limits, stops
from finetune.data_records import Finding
from finetune.judged_findings import judged_findings
from finetune.objectives import JUDGED, SAMPLING, SEARCHING
from finetune.sameness import NearIndex, answered, asked, grouped, normalised, passed_over
from finetune.schema import Example

Rows = Sequence[Example]


def row_findings(rows: Rows, held: Rows, objective: str) -> list[Finding]:
    found = [
        *_duplicates(rows, objective),
        *_conflicts(rows, objective),
        *_leakage(rows, held, objective),
        *_damaged(rows, objective),
    ]
    if objective in JUDGED:
        return [*found, *judged_findings(rows, objective)]
    if objective == "span_qa":
        return [*found, *_unanswerable(rows)]
    return [*found, *_labels(rows, held)] if objective == "classify" else found


def finding(
    key: str, message: str, lines: Sequence[int], total: int, objective: str, *, affected: int | None = None
) -> Finding:
    """A finding that stops a training when it affects too large a share of `total` rows."""
    share = (len(lines) if affected is None else affected) / max(total, 1)
    return Finding(key=key, message=message, rows=tuple(sorted(lines)), blocking=stops(key, share, objective))


def count(number: int, noun: str = "row") -> str:
    """ "1 row", "2 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _whole(row: Example) -> str:
    return f"{asked(row)}\n\0{answered(row)}\n{passed_over(row)}".rstrip()


def _duplicates(rows: Rows, objective: str) -> list[Finding]:
    exact = [places for places in grouped(map(_whole, rows)).values() if len(places) > 1]
    first = {place for places in exact for place in places[1:]}
    alike = grouped("\0".join(map(normalised, (asked(row), answered(row), passed_over(row)))) for row in rows)
    spelt = {place for places in alike.values() for place in places[1:]} - first
    # Of one passage many questions are asked: nearly the same text is no repeat there.
    near = [] if objective == "span_qa" else _near_repeats(rows, first | spelt)
    repeats = first | spelt
    found = []
    if repeats:
        kinds = [(first, "word for word"), (spelt, "but for case, spaces or punctuation")]
        words = ", ".join(f"{count(len(some))} stood there before {how}" for some, how in kinds if some)
        lines = [rows[place].line for place in repeats]
        found.append(finding("duplicates", words, lines, len(rows), objective))
    if near:
        lines = [rows[place].line for place in near]
        words = f"{count(len(near))} with four fifths of the wording of one before"
        found.append(finding("near_duplicates", words, lines, len(rows), objective))
    return found


def _near_repeats(rows: Rows, known: set[int]) -> list[int]:
    texts = [_whole(row) for row in rows]
    if sum(map(len, texts)) > limits()["notes"]["near_characters"]:
        return []
    index = NearIndex(texts)
    fresh = (at for at in range(len(texts)) if at not in known)
    return [at for at in fresh if any(other < at for other in index.near_to(at) if other not in known)]


def _conflicts(rows: Rows, objective: str) -> list[Finding]:
    # Of judged answers there are several to one question by their nature, and a question has several passages.
    if objective in ("pretrain", *SEARCHING, *SAMPLING, *JUDGED):
        return []
    contradicted = []
    for places in grouped(normalised(asked(row)) for row in rows).values():
        if len({normalised(answered(rows[place])) for place in places}) > 1:
            contradicted += [rows[place].line for place in places]
    what = "label" if objective == "classify" else "answer"
    words = f"{count(len(contradicted))} with the question of another row and another {what}"
    return [finding("conflicts", words, contradicted, len(rows), objective)] if contradicted else []


def _leakage(rows: Rows, held: Rows, objective: str) -> list[Finding]:
    """Held-out rows that were learned. The line numbers are those of the held-out rows."""
    taught = {normalised(asked(row)) for row in rows}
    leaked = [row for row in held if normalised(asked(row)) in taught]
    found = []
    if leaked:
        words = f"{len(leaked)} of {count(len(held), 'held-out row')} with the question of a training row: "
        words += "the score would be too good"
        lines = [row.line for row in leaked]
        found.append(finding("leakage", words, lines, len(held), objective))
    others = [] if objective == "span_qa" else [row for row in held if normalised(asked(row)) not in taught]
    near = _near_leaks(rows, others)
    if near:
        words = (
            f"{len(near)} of {count(len(held), 'held-out row')} with nearly the question of a training row"
        )
        lines = [row.line for row in near]
        found.append(finding("near_leakage", words, lines, len(held), objective))
    return found


def _near_leaks(rows: Rows, held: Rows) -> list[Example]:
    texts = [asked(row) for row in rows]
    if not held or sum(map(len, texts)) > limits()["notes"]["near_characters"]:
        return []
    index = NearIndex(texts)
    return [row for row in held if next(index.near(asked(row)), None) is not None]


def _damaged(rows: Rows, objective: str) -> list[Finding]:
    lines = [row.line for row in rows if "\ufffd" in _whole(row)]
    words = f"{count(len(lines))} with a replacement mark (\ufffd): once read in a wrong encoding"
    return [finding("damaged_text", words, lines, len(rows), objective)] if lines else []


def _unanswerable(rows: Rows) -> list[Finding]:
    """Told, and no fault: a reader that never met one would answer every question."""
    lines = tuple(row.line for row in rows if not row.answers)
    words = f"{len(lines)} of {count(len(rows))} ask what their passage does not answer"
    if lines:
        return [Finding(key="unanswerable", message=words, rows=lines)]
    words = "every row has an answer: the reader will find one in every passage, also where there is none"
    return [Finding(key="all_answered", message=words)] if rows else []


def _labels(rows: Rows, held: Rows) -> list[Finding]:
    counts = Counter(str(row.label) for row in rows)
    if len(set(counts) | {str(row.label) for row in held}) < 2:
        message = (
            f"every row has the label '{next(iter(counts), '')}'; classification needs at least two labels"
        )
        return [Finding(key="one_label", message=message, blocking=True, fatal=True)]
    found = []
    unseen = {str(row.label) for row in held} - set(counts)
    if unseen:
        message = f"labels {sorted(unseen)} stand in the held-out rows alone; no training row shows them"
        found.append(Finding(key="unseen_labels", message=message, blocking=True, fatal=True))
    note = limits()["notes"]
    rare = sorted(label for label, count in counts.items() if count < note["rare_label_rows"])
    if rare:
        message = f"labels {rare} have fewer than {note['rare_label_rows']} training rows each"
        found.append(Finding(key="rare_labels", message=message))
    (common, most), (least, fewest) = counts.most_common(1)[0], counts.most_common()[-1]
    if most >= note["label_imbalance"] * fewest:
        message = f"'{common}' has {most} rows, '{least}' {fewest}; a model gains by never saying '{least}'"
        found.append(Finding(key="imbalance", message=message))
    return found
