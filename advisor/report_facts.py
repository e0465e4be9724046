"""What a report says of the machine and of the data, as sentences; no judgement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .phrase import say
from .profile_words import describe_profile
from .schema import DataProfile, ExampleProfile, Hardware
from .wording import joined, listed

LANGUAGES = {
    "en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "ru": "Russian", "ar": "Arabic", "ko": "Korean", "ja": "Japanese",
    "other": "others",
}  # fmt: skip
PERSONAL_DATA = {
    "email": "e-mail addresses", "phone": "telephone numbers", "resident_id": "Chinese identity numbers",
    "card": "card numbers", "iban": "bank accounts (IBAN)", "ssn": "US social security numbers", "ip": "IP addresses",
}  # fmt: skip
EXAMPLE_KINDS = {
    "qa": "questions with answers", "labels": "texts with labels", "messages": "conversations", "text": "plain texts",
    "unknown": "rows of an unknown form",
}  # fmt: skip
_NAMED, _MOST_LABELS, _MOST_FORMATS = 3, 6, 8  # files, labels and formats that are named
_SMALLEST_SHARE = 0.005  # of a language that is told


def hardware_line(hardware: Hardware | None) -> str:
    """One line on the machine that the answer is for."""
    if hardware is None:
        return say("The machine is not known: pass --vram, or run this where it shall work.")
    line: str = hardware.note
    if hardware.gpus and "as you asked" not in hardware.note:
        cards = listed(f"{gpu.name} ({gpu.vram_gib:.0f} GiB)" for gpu in hardware.gpus)
        line = say("{note} Cards: {cards}.", note=line, cards=cards)
    if hardware.cpu_cores and hardware.ram_gib:
        cores, ram = hardware.cpu_cores, hardware.ram_gib
        return say("{note} {cores} cores, {ram_gib:.0f} GiB of RAM.", note=line, cores=cores, ram_gib=ram)
    return line


def data_facts(data: DataProfile | None) -> tuple[tuple[str, str], ...]:
    """Name and content of each thing that is known of documents and examples; none where nothing was given."""
    if data is None:
        return ()
    examples = _examples(data.examples) if data.examples else ()
    return (*(_documents(data) if data.files else ()), *_trouble(data), *examples)


def findings(data: DataProfile | None) -> tuple[str, ...]:
    """What the documents and examples ask for before anything is built."""
    return describe_profile(data) if data else ()


def data_lines(data: DataProfile | None) -> tuple[str, ...]:
    """The same as lines."""
    return tuple(say("{name}: {content}", name=name, content=content) for name, content in data_facts(data))


def _documents(data: DataProfile) -> Iterator[tuple[str, str]]:
    commonest = sorted(data.formats.items(), key=lambda pair: -pair[1])
    shown = [f"{count:,} {suffix.lstrip('.')}" for suffix, count in commonest[:_MOST_FORMATS]]
    formats = listed([*shown, "…"] if len(commonest) > _MOST_FORMATS else shown)
    content = say(
        "{files:,} ({formats}), about {tokens:,} tokens",
        files=data.files,
        formats=formats,
        tokens=data.tokens,
    )
    yield (
        say("documents"),
        say("{documents}, estimated from a sample", documents=content) if data.sampled else content,
    )
    if data.languages:
        yield say("languages"), language_shares(data.languages)
    if data.update_days is not None:
        rhythm = say("about every {days:.3g} days", days=data.update_days)
        source = data.update_source
        yield say("changes"), say("{changes} ({source})", changes=rhythm, source=source) if source else rhythm
    elif data.update_source:
        yield say("changes"), data.update_source


def _trouble(data: DataProfile) -> Iterator[tuple[str, str]]:
    if data.near_duplicates:
        yield say("near-duplicates"), say("{count:,} documents", count=data.near_duplicates)
    if data.personal_data:
        yield say("personal data"), personal_kinds(data.personal_data)
    if data.scanned:
        yield say("scanned, without text"), _some(data.scanned)
    if data.unreadable:
        yield say("not readable"), _some([_reasoned(line) for line in data.unreadable])
    if data.unsupported:
        yield say("no loader"), listed(f"{count:,} {suffix}" for suffix, count in data.unsupported.items())


def _examples(rows: ExampleProfile) -> Iterator[tuple[str, str]]:
    kind, tokens = EXAMPLE_KINDS[rows.kind], rows.max_tokens
    content = say("{rows:,} {kind}, up to {tokens:,} tokens", rows=rows.rows, kind=kind, tokens=tokens)
    yield say("examples"), content
    if rows.answers_in_documents is not None:
        share, checked = rows.answers_in_documents, rows.answers_checked
        content = say("{share:.0%} of {checked:,} looked for", share=share, checked=checked)
        yield say("answers found in the documents"), content if checked else f"{share:.0%}"
    if rows.labels:
        shown = sorted(rows.labels.items(), key=lambda pair: -pair[1])[:_MOST_LABELS]
        yield say("labels"), listed(f"{label} {count:,}" for label, count in shown)
    if rows.duplicates:
        yield say("repeated examples"), f"{rows.duplicates:,}"
    if rows.conflicts:
        yield say("questions with different answers"), f"{rows.conflicts:,}"
    if rows.leaked:
        yield say("held-out examples that training also holds"), f"{rows.leaked:,}"


def language_shares(shares: Mapping[str, float]) -> str:
    """For example '70% English, 30% Chinese', the largest share first."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    return listed(
        say("{share:.0%} {language}", share=share, language=LANGUAGES.get(name, name))
        for name, share in ordered
        if share >= _SMALLEST_SHARE
    )


def personal_kinds(found: Mapping[str, int]) -> str:
    """Kinds with their counts; never a value."""
    return listed(
        say("{count:,} {kind}", count=count, kind=PERSONAL_DATA.get(kind, kind.replace("_", " ")))
        for kind, count in found.items()
    )


def _reasoned(line: str) -> str:
    """'name: reason', so that the reason is put into the language of the report."""
    name, _, reason = line.partition(": ")
    return say("{name}: {content}", name=name, content=reason) if reason else name


def _some(names: Sequence[str]) -> str:
    shown = joined(names[:_NAMED])
    rest = len(names) - _NAMED
    return say("{names}; and {rest:,} more", names=shown, rest=rest) if rest > 0 else shown
