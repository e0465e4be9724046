"""What a report says of the machine and of the data, as sentences; no judgement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .phrase import say
from .schema import DataProfile, ExampleProfile, Hardware
from .wording import joined, listed

LANGUAGES = {"en": "English", "zh": "Chinese"}
PERSONAL_DATA = {
    "email": "e-mail addresses", "phone": "telephone numbers", "id_card": "identity numbers",
    "credit_card": "credit card numbers", "iban": "bank accounts", "ip": "IP addresses",
}  # fmt: skip
EXAMPLE_KINDS = {
    "qa": "questions with answers", "labels": "texts with labels", "messages": "conversations", "text": "plain texts",
    "unknown": "of an unknown form",
}  # fmt: skip
_NAMED = 3  # files that are named before the rest is only counted


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


def data_lines(data: DataProfile | None) -> tuple[str, ...]:
    """One line for each thing that is known of documents and examples; none where nothing was given."""
    if data is None:
        return ()
    return (*_documents(data), *_trouble(data), *(_examples(data.examples) if data.examples else ()))


def _documents(data: DataProfile) -> Iterator[str]:
    if not data.files:
        return
    formats = listed(f"{count:,} {suffix.lstrip('.')}" for suffix, count in data.formats.items())
    template = say(
        "{files:,} documents ({formats}), about {tokens:,} tokens",
        files=data.files,
        formats=formats,
        tokens=data.tokens,
    )
    yield say("{documents}, estimated from a sample", documents=template) if data.sampled else template
    if data.languages:
        yield say("languages: {shares}", shares=language_shares(data.languages))
    if data.update_days is not None:
        days, source = data.update_days, data.update_source
        if source:
            yield say("they seem to change every {days:.3g} days ({source})", days=days, source=source)
        else:
            yield say("they seem to change every {days:.3g} days", days=days)


def _trouble(data: DataProfile) -> Iterator[str]:
    if data.near_duplicates:
        yield say("near-duplicates: {count:,} documents", count=data.near_duplicates)
    if data.personal_data:
        yield say("personal data found: {kinds}", kinds=personal_kinds(data.personal_data))
    if data.scanned:
        yield say("scanned, no text in them: {names}", names=_some(data.scanned))
    if data.unreadable:
        yield say("not readable: {names}", names=_some(data.unreadable))
    if data.unsupported:
        formats = listed(f"{count:,} {suffix}" for suffix, count in data.unsupported.items())
        yield say("no loader: {formats}", formats=formats)


def _examples(rows: ExampleProfile) -> Iterator[str]:
    yield say(
        "{rows:,} examples ({kind}, up to {tokens:,} tokens)",
        rows=rows.rows,
        kind=EXAMPLE_KINDS[rows.kind],
        tokens=rows.max_tokens,
    )
    if rows.answers_in_documents is not None:
        share = rows.answers_in_documents
        yield say("{share:.0%} of the answers stand in the documents", share=share)
    if rows.labels:
        shown = sorted(rows.labels.items(), key=lambda pair: -pair[1])[:5]
        yield say("labels: {labels}", labels=listed(f"{label} {count:,}" for label, count in shown))
    if rows.duplicates:
        yield say("{count:,} examples stand there twice", count=rows.duplicates)
    if rows.conflicts:
        yield say("{count:,} questions have different answers", count=rows.conflicts)
    if rows.leaked:
        yield say("{count:,} held-out examples also stand in the training rows", count=rows.leaked)


def language_shares(shares: Mapping[str, float]) -> str:
    """For example '70% English, 30% Chinese', the largest share first."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    return listed(
        say("{share:.0%} {language}", share=share, language=LANGUAGES.get(name, name))
        for name, share in ordered
    )


def personal_kinds(found: Mapping[str, int]) -> str:
    """Kinds with their counts; never a value."""
    return listed(
        say("{count:,} {kind}", count=count, kind=PERSONAL_DATA.get(kind, kind.replace("_", " ")))
        for kind, count in found.items()
    )


def _some(names: tuple[str, ...]) -> str:
    shown = joined(names[:_NAMED])
    rest = len(names) - _NAMED
    return say("{names}; and {rest:,} more", names=shown, rest=rest) if rest > 0 else shown
