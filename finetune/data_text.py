"""A data report as text: one aligned line for each fact, then what stops a training, then rows as the model sees
them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from finetune.data_findings import count
from finetune.data_limits import limits
from finetune.data_records import DataReport, Finding, Lengths, Preview, Tokens

_LEARNED, _STOPS, _PLAIN = "\033[32m", "\033[31m", "\033[0m"
_MOST = 2000  # characters of a previewed row


def render_text(report: DataReport, *, colour: bool = False) -> str:
    """Learned stretches of the preview are green, or stand in [[double brackets]] without `colour`."""
    facts = [(name, text) for name, text in _facts(report) if text]
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {text}" for name, text in facts]
    for preview in report.preview:
        lines += [
            "",
            f"{title(preview)} as the model sees it, {_purpose(preview)} {_marked(preview, colour)}:",
        ]
        lines.append(_shown(preview, colour))
    return "\n".join([*lines, "", _verdict(report, colour)])


def _facts(report: DataReport) -> list[tuple[str, str]]:
    kinds = ", ".join(f"{many:,} {kind}" for kind, many in report.kinds.items())
    facts = [
        ("rows", f"{report.rows:,} to learn from ({kinds}), {report.held_out_rows:,} held out"),
        ("languages", _shares(report.languages)),
        ("labels", ", ".join(f"{label} {many:,}" for label, many in report.labels.items())),
        ("tokens", tokens_in_words(report.training, report)),
        ("held out", tokens_in_words(report.held_out, report)),
        ("lengths", lengths_in_words(report.lengths)),
        ("longest", _longest(report.lengths)),
    ]
    facts += [("stops" if one.blocking else "note", finding_in_words(one)) for one in report.findings]
    return [*facts, *(("not checked", text) for text in report.unchecked)]


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def tokens_in_words(tokens: Tokens | None, report: DataReport) -> str:
    """What is learned, read and lost of one set of rows."""
    if tokens is None:
        return ""
    learned = {"classify": "labels learned", "reward": "tokens of answers judged"}
    learned["span_qa"] = "questions learned"
    what = learned.get(report.objective, "tokens learned")
    text = f"{tokens.supervised:,} {what}, {tokens.masked:,} tokens read"
    sequences = count(tokens.sequences, "sequence")
    text += f"; {count(tokens.rows)} in {sequences} of up to {report.max_length:,} tokens"
    if tokens.cut:
        text += f"; {count(tokens.cut, 'token')} cut off {count(tokens.rows_cut)}"
    if tokens.dropped:
        text += f"; {count(tokens.rows_dropped)} dropped with {count(tokens.dropped, 'token')}"
    return text


def lengths_in_words(lengths: Lengths | None) -> str:
    if lengths is None:
        return ""
    text = f"half of the rows up to {lengths.p50} {lengths.unit}, 90 % up to {lengths.p90}, 99 % up to {lengths.p99}"
    return text + (f" (--max-length {lengths.suggested})" if lengths.suggested else "")


def _longest(lengths: Lengths | None) -> str:
    if lengths is None:
        return ""
    return ", ".join(f"line {line}: {size}" for line, size in lengths.longest)


def finding_in_words(finding: Finding) -> str:
    return f"{finding.key}: {finding.message}{_lines(finding.rows)}"


def _lines(rows: Sequence[int]) -> str:
    """Where to look, as far as a person would."""
    known = list(dict.fromkeys(row for row in rows if row))
    most = int(limits()["notes"]["listed_rows"])
    if not known:
        return ""
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f" (line {', '.join(map(str, known[:most]))}{more})"


def _verdict(report: DataReport, colour: bool) -> str:
    keys = list(dict.fromkeys(one.key for one in report.blocking))
    if not keys:
        return "Nothing here would stop a training."
    text = "A training would stop; mend the rows, or train all the same with "
    text += " ".join(f"--allow {key}" for key in keys) + "."
    return f"{_STOPS}{text}{_PLAIN}" if colour else text


def title(preview: Preview) -> str:
    return f"Line {preview.line}{f', {preview.side},' if preview.side else ''}"


def worse(preview: Preview) -> bool:
    return preview.side in ("rejected", "disliked")


def _purpose(preview: Preview) -> str:
    return "what is judged" if preview.side else "what it learns"


def _marked(preview: Preview, colour: bool) -> str:
    return f"in {'red' if worse(preview) else 'green'}" if colour else "in [[ ]]"


def _shown(preview: Preview, colour: bool) -> str:
    marks = _STOPS if worse(preview) else _LEARNED
    opening, closing = (marks, _PLAIN) if colour else ("[[", "]]")
    text = ""
    for piece, supervised in shortened(preview):
        words = printable(piece)
        text += f"{opening}{words}{closing}" if supervised else words
    return text


def shortened(preview: Preview) -> Iterable[tuple[str, bool]]:
    """The pieces, of a long one the beginning and the end."""
    room = _MOST // max(1, len(preview.pieces))
    for piece in preview.pieces:
        text = piece.text
        if len(text) > room:
            text = f"{text[: room // 2]} …{len(text) - room} characters… {text[-room // 2 :]}"
        yield text, piece.supervised


def printable(text: str) -> str:
    """Without characters that would move a terminal's cursor or turn the direction of writing."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf") else "\ufffd"
        for letter in text
    )
