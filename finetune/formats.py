"""Reads training files (JSONL, JSON, CSV, also gzipped) in the formats people have, and turns each row
into an Example."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from finetune.schema import Example

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
ROLES = {"system", "user", "assistant", "tool"}
# Other names that people give to the same split; what is not listed is an error, so that no row is lost by
# a typo.
SPLITS = {"train": "train", "dev": "dev", "validation": "dev", "valid": "dev", "val": "dev", "test": "test"}


def load_examples(path: str | Path) -> list[Example]:
    """Every row of the file as an Example, in the file's order; the format is seen from the columns.

    Rows marked "answerable": false that carry no answer are left out and counted in the log: there is
    nothing to learn
    from them without a wording for the refusal. Raises FileNotFoundError, or ValueError naming the file
    and the line.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"No examples at '{file}'; give a file of rows ({', '.join(SUFFIXES)}).")
    examples, skipped = [], 0
    for line, row in _rows(file):
        try:
            example = _example(row, line)
        except ValueError as error:
            raise ValueError(f"{file}:{line}: {error}") from None
        if example is None:
            skipped += 1
        else:
            examples.append(example)
    if skipped:
        logger.info("%s: %d unanswerable rows without an answer left out", file, skipped)
    if not examples:
        raise ValueError(f'\'{file}\' holds no usable row; a row is e.g. {{"question": ..., "answer": ...}}.')
    return examples


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    name = file.name.removesuffix(".gz").lower()
    suffix = Path(name).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"'{file}' is no file of rows; choose one of {list(SUFFIXES)}, gzipped or not.")
    text = _text(file)
    if suffix in (".csv", ".tsv"):
        yield from _csv_rows(text, "\t" if suffix == ".tsv" else ",", file)
    elif suffix == ".json" and not _is_json_lines(text):
        yield from _json_rows(text, file)
    else:
        yield from _json_lines(text, file)


def _text(file: Path) -> str:
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(f"{file}:{line}: not UTF-8; save the file as UTF-8 and try again.") from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"'{file}' is no complete gzip file ({error}).") from None


def _is_json_lines(text: str) -> bool:
    return (
        text.lstrip()[:1] == "{"
        and len([line for line in text.splitlines() if line.strip()]) > 1
        and _parses(text)
    )


def _parses(text: str) -> bool:
    """Whether the first line alone is JSON, as in JSONL that was named .json."""
    try:
        json.loads(text.lstrip().splitlines()[0])
    except json.JSONDecodeError:
        return False
    return True


def _json_lines(text: str, file: Path) -> Iterator[tuple[int, Row]]:
    # Not splitlines(): JSON allows U+2028 and U+0085 inside a string, and a row must not break there.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{file}:{number}: not JSON ({error.msg} at column {error.colno}).") from None
        yield number, _object(row, file, number)


def _json_rows(text: str, file: Path) -> Iterator[tuple[int, Row]]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}:{error.lineno}: not JSON ({error.msg} at column {error.colno}).") from None
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 and not _looks_like_row(content) else [content]
    if not isinstance(content, list):
        raise ValueError(f"'{file}' holds {type(content).__name__}, not a list of rows.")
    for number, row in enumerate(content, start=1):
        yield number, _object(row, file, number)


def _looks_like_row(content: Row) -> bool:
    return any(name in content for name in ("messages", "conversations"))


def _object(row: Any, file: Path, line: int) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"{file}:{line}: a row is an object with columns, not {type(row).__name__}.")
    return row


def _csv_rows(text: str, delimiter: str, file: Path) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"{file}:{reader.line_num}: not as many cells as the header has columns.")
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"{file}:{reader.line_num}: not CSV ({error}).") from None


def _example(row: Row, line: int) -> Example | None:
    for columns, convert in SHAPES:
        if all(column in row for column in columns):
            return convert(row, line)
    raise ValueError(f"columns {sorted(row)} fit no known format; {_hint(row)}")


def _hint(row: Row) -> str:
    known = sorted({column for columns, _ in SHAPES for column in columns})
    for name in row:
        near = get_close_matches(str(name).lower(), known, n=1, cutoff=0.75)
        if near:
            return f"is '{name}' meant to be '{near[0]}'?"
    return "known are " + ", ".join("+".join(columns) for columns, _ in SHAPES) + "."


def _string(row: Row, column: str, *, may_be_empty: bool = False) -> str:
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"'{column}' must be text, not {type(value).__name__}.")
    if not str(value).strip() and not may_be_empty:
        raise ValueError(f"'{column}' is empty.")
    return str(value)


def _split(row: Row) -> str:
    value = str(row.get("split") or "train").strip().lower()
    if value not in SPLITS:
        raise ValueError(f"split '{value}' is unknown; choose one of {sorted(SPLITS)}.")
    return SPLITS[value]


def _chat(row: Row, line: int, prompt: str, answer: str, system: str = "") -> Example:
    turns = [{"role": "system", "content": system}] if system else []
    turns += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return Example(messages=tuple(turns), split=_split(row), line=line)


def _from_messages(row: Row, line: int) -> Example:
    turns = row["messages"]
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ValueError('\'messages\' must be a list of {"role": ..., "content": ...}.')
    for turn in turns:
        if turn.get("role") not in ROLES:
            raise ValueError(f"role {turn.get('role')!r} is unknown; choose one of {sorted(ROLES)}.")
        _string(turn, "content", may_be_empty=turn["role"] == "system")
    if len(turns) < 2 or turns[-1]["role"] != "assistant":
        raise ValueError("the last message must be the assistant's: it is what is learned.")
    kept = tuple({"role": str(turn["role"]), "content": str(turn["content"])} for turn in turns)
    return Example(messages=kept, split=_split(row), line=line)


def _from_prompt(row: Row, line: int) -> Example:
    if isinstance(row["prompt"], list) and isinstance(row["completion"], list):
        return _from_messages({**row, "messages": row["prompt"] + row["completion"]}, line)
    return _chat(row, line, _string(row, "prompt"), _string(row, "completion"))


def _from_alpaca(row: Row, line: int) -> Example:
    task, given = _string(row, "instruction"), str(row.get("input") or "").strip()
    prompt = f"{task}\n\n{given}" if given else task
    return _chat(row, line, prompt, _string(row, "output"), str(row.get("system") or ""))


def _from_question(row: Row, line: int) -> Example | None:
    answer = row.get("answer")
    unanswerable = str(row.get("answerable", True)).strip().lower() in ("false", "0", "no")
    if unanswerable and not str(answer or "").strip():
        return None
    if answer is None:
        raise ValueError("'answer' is missing.")
    return _chat(row, line, _string(row, "question"), _string(row, "answer"))


def _from_label(row: Row, line: int) -> Example:
    return Example(
        text=_string(row, "text"), label=_string(row, "label").strip(), split=_split(row), line=line
    )


# Looked at in this order; the first whose columns are all there reads the row.
SHAPES: tuple[tuple[tuple[str, ...], Callable[[Row, int], Example | None]], ...] = (
    (("messages",), _from_messages),
    (("prompt", "completion"), _from_prompt),
    (("instruction", "output"), _from_alpaca),
    (("text", "label"), _from_label),
    (("question", "answer"), _from_question),
    (("question", "answerable"), _from_question),
)
