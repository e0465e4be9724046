"""What a file of examples is like: kind, lengths, labels, duplicates, and whether the documents hold its answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from .schema import ExampleProfile
from .tokens import Letters, count_letters

Row = Mapping[str, Any]
Kind = Literal["qa", "labels", "messages", "text", "unknown"]

_QUESTION = ("question", "prompt", "instruction", "query", "input", "问题")
_ANSWER = ("answer", "completion", "output", "response", "答案")
_CHECKED_ANSWERS = 300  # look-ups in the documents; more would take longer than they tell
_MIN_ANSWER = 2  # one character stands in any text


def profile_examples(path: Path, documents: Mapping[str, str] | None = None) -> ExampleProfile:
    """Profiles a JSONL, JSON or CSV file; `documents` maps file names to text, None where there are none.

    Raises FileNotFoundError, or ValueError naming the file and the line of a row that is no row.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a .jsonl, .json or .csv file after --examples.")
    if not path.is_file():
        raise FileNotFoundError(
            f"Examples {path} do not exist; name a .jsonl, .json or .csv file after --examples."
        )
    rows = list(_rows(path))
    if not rows:
        raise ValueError(
            f'{path} holds no rows; a row is for example {{"question": "...", "answer": "..."}}.'
        )
    texts = [_content(row) for row in rows]
    letters = [count_letters(text.encode("utf-8", "replace")) for text in texts]
    lengths = sorted(max(1, round(item.tokens)) for item in letters)
    kind = _kind(rows)
    return ExampleProfile(
        rows=len(rows),
        kind=kind,
        p50_tokens=lengths[len(lengths) // 2],
        p95_tokens=lengths[min(len(lengths) - 1, int(0.95 * len(lengths)))],
        max_tokens=lengths[-1],
        labels=dict(Counter(str(row["label"]) for row in rows).most_common()) if kind == "labels" else {},
        duplicates=len(texts) - len(set(texts)),
        languages=sum(letters, Letters()).languages,
        answers_in_documents=_share_in_documents(rows, documents) if kind == "qa" and documents else None,
        quotes=sum("quote" in row for row in rows) > len(rows) / 2,
        path=str(path),
    )


def _rows(path: Path) -> Iterator[Row]:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in (".jsonl", ".ndjson", ".json", ".csv", ".tsv"):
        raise ValueError(
            f"{path} is no file of rows; use one of .jsonl, .ndjson, .json, .csv, .tsv, gzipped or not."
        )
    text = _text(path)
    if suffix in (".csv", ".tsv"):
        yield from _csv_rows(text, "\t" if suffix == ".tsv" else ",", path)
    elif suffix == ".json":
        yield from _json_array(text, path)
    else:
        yield from _json_lines(text, path)


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if path.suffix.lower() == ".gz":
        import gzip
        import zlib

        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is no complete gzip file ({error}).") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{line}: not UTF-8; save the file as UTF-8 and try again.") from None


def _csv_rows(text: str, delimiter: str, path: Path) -> Iterator[Row]:
    import csv
    import io

    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: not CSV ({error}).") from None


def _json_lines(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON ({error.msg} at column {error.colno}).") from None
        except RecursionError:
            raise ValueError(f"{path}:{number}: nested too deeply for a row.") from None
        if not isinstance(row, dict):
            raise ValueError(
                f"{path}:{number}: a row is an object such as {{...}}, not {type(row).__name__}."
            )
        yield row


def _json_array(text: str, path: Path) -> Iterator[Row]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: not JSON ({error.msg} at column {error.colno}).") from None
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply for rows.") from None
    if isinstance(content, dict):
        content = next((value for value in content.values() if isinstance(value, list)), [content])
    for number, row in enumerate(content if isinstance(content, list) else [content], start=1):
        if not isinstance(row, dict):
            raise ValueError(f"{path}: row {number} is {type(row).__name__}, not an object such as {{...}}.")
        yield row


def _kind(rows: list[Row]) -> Kind:
    keys = Counter(key for row in rows for key in row)
    common = {key for key, count in keys.items() if count > len(rows) / 2}
    if common & {"messages", "conversations"}:
        return "messages"
    if "label" in common and common & {"text", "sentence", "headline"}:
        return "labels"
    if common & set(_QUESTION) and common & set(_ANSWER):
        return "qa"
    return "text" if "text" in common else "unknown"


def _content(row: Row) -> str:
    """What a model would be trained on; bookkeeping such as the source of the answer is left out."""
    known = [
        str(row[key])
        for key in (*_QUESTION, *_ANSWER, "text", "sentence", "headline", "label")
        if row.get(key)
    ]
    if known:
        return "\n".join(known)
    messages = row.get("messages") or row.get("conversations")
    if isinstance(messages, list):
        return "\n".join(
            str(turn.get("content") or turn.get("value") or "") for turn in messages if isinstance(turn, dict)
        )
    return "\n".join(str(value) for value in row.values())


def _share_in_documents(rows: list[Row], documents: Mapping[str, str]) -> float | None:
    """Share of the answers (or of the quotes that support them) found verbatim; None where none could be checked.

    A row that names its source counts only where that source's text was read.
    """
    texts = {name: _flat(text) for name, text in documents.items()}
    checked = found = 0
    for row in rows:
        wanted = [_flat(str(row[key])) for key in (*_ANSWER, "quote") if row.get(key)]
        wanted = [text for text in wanted if len(text) >= _MIN_ANSWER]
        source = str(row.get("source") or "").rsplit("/", 1)[-1]
        if not wanted or row.get("answerable") is False or (source and source not in texts):
            continue
        places = [texts[source]] if source else list(texts.values())
        checked += 1
        found += any(text in place for place in places for text in wanted)
        if checked >= _CHECKED_ANSWERS:
            break
    return round(found / checked, 3) if checked else None


def _flat(text: str) -> str:
    return "".join(text.casefold().split())
