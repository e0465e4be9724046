"""What follows from a data profile, as sentences: what to mend before an index is built or a model trained."""

from __future__ import annotations

from collections.abc import Iterator

from .phrase import Phrase, say
from .schema import DataProfile, ExampleProfile

# Share of the answers that stand in the documents from which they speak for a gap in knowledge, and down to which for
# one in behaviour; measured in benchmarks/profile_accuracy.py.
KNOWLEDGE_FROM, BEHAVIOUR_UNTIL = 0.5, 0.1
_RARE = 0.2  # of the rows that each label would have if all were as many
_LONG_TAIL = 2  # the longest row in multiples of the 99th percentile


def describe_profile(data: DataProfile) -> tuple[Phrase, ...]:
    """One sentence for each finding, with what to do about it; none where there is nothing to do."""
    return (*_documents(data), *(_examples(data.examples) if data.examples else ()))


def _documents(data: DataProfile) -> Iterator[Phrase]:
    if data.sampled:
        yield say("Not all of the documents was read; the rest is taken to be like what was.")
    if data.scanned:
        yield say(
            "{count:,} PDF files are scans without text: run them through OCR first, or nothing in them is found.",
            count=len(data.scanned),
        )
    if data.unreadable:
        yield say(
            "{count:,} files cannot be read: mend them or remove their passwords, or they are left out.",
            count=len(data.unreadable),
        )
    if data.near_duplicates:
        yield say(
            "{count:,} documents say nearly what another one says: keep the version that holds, or answers quote both.",
            count=data.near_duplicates,
        )
    if data.personal_data:
        yield say(
            "Personal data stands in the documents, {count:,} matches in what was read: decide who may find it, and"
            " keep it out of training, for a model can repeat what it learned.",
            count=sum(data.personal_data.values()),
        )


def _examples(rows: ExampleProfile) -> Iterator[Phrase]:
    if rows.answers_in_documents is not None:
        yield _gap(rows.answers_in_documents, rows.answers_checked)
    if rows.leaked:
        yield say(
            "{count:,} held-out examples also stand in the training part: a score on them proves nothing.",
            count=rows.leaked,
        )
    if rows.conflicts:
        yield say(
            "{count:,} questions stand there with different answers: settle them, or a model learns both.",
            count=rows.conflicts,
        )
    if rows.duplicates:
        yield say(
            "{count:,} examples repeat another one: remove them, or they weigh double.", count=rows.duplicates
        )
    if rows.labels and min(rows.labels.values()) < _RARE * sum(rows.labels.values()) / len(rows.labels):
        rarest = min(rows.labels, key=lambda label: (rows.labels[label], label))
        yield say(
            "Label {label} has only {count:,} of {rows:,} examples: collect more of it, or judge by F1 per label.",
            label=rarest,
            count=rows.labels[rarest],
            rows=sum(rows.labels.values()),
        )
    if rows.p99_tokens and rows.max_tokens > _LONG_TAIL * rows.p99_tokens:
        yield say(
            "99% of the examples have at most {p99:,} tokens, the longest has {longest:,}: a cut there saves memory.",
            p99=rows.p99_tokens,
            longest=rows.max_tokens,
        )


def _gap(share: float, checked: int) -> Phrase:
    """What the share speaks for; the answer to the question about the gap overrules it."""
    if share >= KNOWLEDGE_FROM:
        return say(
            "{share:.0%} of {checked:,} answers stand in the documents: that speaks for a gap in knowledge, which"
            " retrieval fills.",
            share=share,
            checked=checked,
        )
    if share <= BEHAVIOUR_UNTIL:
        return say(
            "Only {share:.0%} of {checked:,} answers stand in the documents: that speaks for a gap in behaviour, which"
            " training fills.",
            share=share,
            checked=checked,
        )
    return say(
        "{share:.0%} of {checked:,} answers stand in the documents: that speaks for neither knowledge nor behaviour"
        " alone.",
        share=share,
        checked=checked,
    )
