"""Files of rows: JSONL, JSON, CSV, TSV (also gzipped), XLSX and Parquet, row by row with the line of each."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.formats.encodings import decoded, first_bad_line
from finetune.formats.faults import Fault

Row = Mapping[str, Any]
Read = Iterator[tuple[int, Row | Fault]]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".parquet")
_LONGEST_CELL = 1 << 30  # characters
NOT_UTF8 = "not UTF-8; save the file as UTF-8 and try again."


def rows_in(file: Path) -> Read:
    """Each row, or what is wrong with it. Raises ValueError where nothing of the file can be read."""
    name = file.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"'{file}' is no file of rows; choose one of {list(SUFFIXES)}, gzipped or not.")
    if suffix == ".xlsx":
        from finetune.formats.sheets import sheet_rows

        return sheet_rows(file)
    if suffix == ".parquet":
        from finetune.formats.folders import parquet_rows

        return parquet_rows(file)
    raw = _bytes(file)
    if suffix in (".csv", ".tsv"):
        return _csv_rows(_text(raw, file), "\t" if suffix == ".tsv" else None)
    if suffix == ".json" and not _is_json_lines(raw):
        return _json_rows(_text(raw, file), file)
    return _json_lines(raw)


def _bytes(file: Path) -> bytes:
    raw = file.read_bytes()
    if file.suffix.lower() != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"'{file}' is no complete gzip file ({error}).") from None


def _text(raw: bytes, file: Path) -> str:
    text = decoded(raw)
    if text is None:
        raise ValueError(f"{file}:{first_bad_line(raw)}: {NOT_UTF8}")
    return text


def _is_json_lines(raw: bytes) -> bool:
    """Whether each line of a file called .json is an object of its own: the first one tells."""
    lines = [line for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    if len(lines) < 2 or not lines[0].lstrip().startswith(b"{"):
        return False
    try:
        json.loads(lines[0])
    except ValueError:
        return False
    return True


def _json_lines(raw: bytes) -> Read:
    text = decoded(raw)
    if text is not None:
        # Not splitlines(): JSON allows U+2028 and U+0085 inside a string, and a row must not break there.
        lines: list[str | None] = list(text.split("\n"))
    else:
        lines = [decoded(line) for line in raw.split(b"\n")]
    for number, line in enumerate(lines, start=1):
        if line is None:
            yield number, Fault(line=number, reason=NOT_UTF8)
        elif line.strip():
            yield number, _parsed(line, number)


def _parsed(line: str, number: int) -> Row | Fault:
    try:
        return _object(json.loads(line), number)
    except json.JSONDecodeError as error:
        return Fault(line=number, reason=f"not JSON ({error.msg} at column {error.colno}).")
    except RecursionError:
        return Fault(line=number, reason="nested too deeply to be a row.")


def _object(row: Any, line: int) -> Row | Fault:
    if not isinstance(row, dict):
        kind = type(row).__name__
        return Fault(line=line, reason=f"a row is an object with columns, not {kind}.")
    return row


def _json_rows(text: str, file: Path) -> Read:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            return
        raise ValueError(f"{file}:{error.lineno}: not JSON ({error.msg} at column {error.colno}).") from None
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 and not _looks_like_row(content) else [content]
    if not isinstance(content, list):
        raise ValueError(f"'{file}' holds {type(content).__name__}, not a list of rows.")
    for number, row in enumerate(content, start=1):
        yield number, _object(row, number)


def _looks_like_row(content: Row) -> bool:
    return any(name in content for name in ("messages", "conversations", "prompt", "chosen"))


def _csv_rows(text: str, delimiter: str | None) -> Read:
    header = text.lstrip("\n").split("\n", 1)[0]
    # Spreadsheets of half of Europe write semicolons: whichever the header has most of divides the cells.
    delimiter = delimiter or max(",;\t", key=header.count)
    csv.field_size_limit(_LONGEST_CELL)  # Python's own limit is shorter than a long document
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = max(reader.line_num, 1) + 1  # where the row begins: a cell may hold line breaks
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield line, Fault(line=line, reason=f"not CSV ({error}).")
            return
        if row is None:
            return
        if None in row or None in row.values():
            yield line, Fault(line=line, reason="not as many cells as the header has columns.")
        elif any(str(value).strip() for value in row.values()):
            yield line, row
