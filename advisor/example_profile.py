"""What a file of examples is like: layout, lengths, labels, faulty rows, and whether the documents hold its answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .answer_support import Asked, answers_in_documents
from .example_layout import Row, answer_of, content_of, kind_of, layout_of, question_of
from .example_rows import read_examples
from .languages import named_shares, share_by_language
from .row_faults import count_conflicts, count_duplicates, count_leaked
from .schema import ExampleProfile
from .tokens import count_letters

_NO = ("false", "0", "no")


def profile_examples(
    path: Path, documents: Mapping[str, str] | None = None, read_share: float = 1.0
) -> ExampleProfile:
    """Profiles a JSONL, JSON or CSV file or a folder of splits; `documents` maps file names to the text that was read.

    `read_share` is what that text is of all documents.

    Raises FileNotFoundError, or ValueError naming the file and the line of a row that is no row.
    """
    rows, file = read_examples(path)
    if not rows:
        raise ValueError(
            f'{path} holds no rows; a row is for example {{"question": "...", "answer": "..."}}.'
        )
    lengths, languages = _lengths([content_of(row) for row in rows])
    layout = layout_of(rows)
    kind = kind_of(layout)
    share, checked = _support(rows, documents, read_share) if kind == "qa" and documents else (None, 0)
    return ExampleProfile(
        rows=len(rows),
        kind=kind,
        p50_tokens=_percentile(lengths, 0.5),
        p95_tokens=_percentile(lengths, 0.95),
        p99_tokens=_percentile(lengths, 0.99),
        max_tokens=lengths[-1],
        labels=_balance(rows) if kind == "labels" else {},
        duplicates=count_duplicates(rows),
        conflicts=count_conflicts(rows),
        leaked=count_leaked(rows),
        layout=layout,
        languages=languages,
        answers_in_documents=share,
        answers_checked=checked,
        quotes=sum("quote" in row for row in rows) > len(rows) / 2,
        path=str(file),
    )


def _lengths(texts: Sequence[str]) -> tuple[list[int], dict[str, float]]:
    """Estimated tokens of each text in order of size, and the share of each language."""
    lengths: list[int] = []
    tokens: defaultdict[str, float] = defaultdict(float)
    for text in texts:
        utf8 = text.encode("utf-8", "replace")
        letters = count_letters(utf8)
        lengths.append(max(1, round(letters.tokens)))
        for language, share in share_by_language(utf8, letters).items():
            tokens[language] += share * letters.tokens
    return sorted(lengths), named_shares(tokens)


def _percentile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _balance(rows: Sequence[Row]) -> dict[str, int]:
    """Rows by label, commonest first; equal ones by name, so that the order of rows is irrelevant."""
    counts = Counter(str(row["label"]) for row in rows if row.get("label") not in (None, ""))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _support(
    rows: Sequence[Row], documents: Mapping[str, str], read_share: float
) -> tuple[float | None, int]:
    asked = [
        Asked(question_of(row), answer_of(row), str(row.get("quote") or ""), str(row.get("source") or ""))
        for row in rows
        if str(row.get("answerable", True)).strip().lower() not in _NO
    ]
    return answers_in_documents(asked, documents, read_share)
