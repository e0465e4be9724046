"""Reads rows of examples: JSONL, JSON, CSV or TSV, gzipped or not, one file or a folder of splits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
# Names that people give to the splits; whatever is not trained on is held out.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(
        ("dev", "val", "valid", "validation", "eval", "evaluation", "test", "testing", "heldout"), "held out"
    ),
}


def read_examples(path: Path) -> tuple[list[Row], Path]:
    """The rows, and the file to train on: the one given, or that of a folder's training split.

    In a folder, files are taken whose names end in that of a split (train.jsonl, qa_test.csv), and their rows name it.
    Raises FileNotFoundError or IsADirectoryError, or ValueError naming the file and the line of a row that is no row.
    """
    if path.is_dir():
        return _read_splits(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Examples {path} do not exist; name a .jsonl, .json or .csv file after --examples."
        )
    return list(_rows(path)), path


def _read_splits(folder: Path) -> tuple[list[Row], Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and _suffix(path) in SUFFIXES)
    splits = {path: _split_of(path) for path in files}
    train = [path for path, split in splits.items() if split == "train"]
    if len(train) != 1:
        found = f"{len(train)} files named train" if train else "no file named train"
        raise IsADirectoryError(
            f"{folder} is a folder with {found}; name a .jsonl, .json or .csv file after --examples."
        )
    named = [(path, split) for path, split in splits.items() if split]
    return [{**row, "split": split} for path, split in named for row in _rows(path)], train[0]


def _split_of(path: Path) -> str | None:
    last = re.split(r"[-_. ]", path.name.lower().removesuffix(".gz").rsplit(".", 1)[0])[-1]
    return SPLITS.get(last)


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _rows(path: Path) -> Iterator[Row]:
    suffix = _suffix(path)
    if suffix not in SUFFIXES:
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
