"""Reads what people train on: files of rows in the formats in use, `datasets` folders, raw text and documents."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from finetune.formats.documents import document, is_text_folder, text_files
from finetune.formats.faults import EmptyAnswer, Fault
from finetune.formats.files import SUFFIXES, rows_in
from finetune.formats.folders import row_files, stored_rows
from finetune.formats.shapes import example_of
from finetune.schema import Example

logger = logging.getLogger(__name__)

__all__ = [
    "Fault",
    "Reading",
    "documents_as_examples",
    "load_examples",
    "read_examples",
    "row_files",
    "sound_rows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file held: the rows that are sound, and what is wrong with each of the others."""

    source: str
    examples: tuple[Example, ...]
    faults: tuple[Fault, ...] = ()
    unanswerable: int = 0  # rows marked so that carry no answer: there is nothing to learn from them
    formats: tuple[tuple[str, int], ...] = ()  # name of the format and its rows, the commonest first


def load_examples(
    path: str | Path, *, allow: Collection[str] = (), prompts: bool = False, spans: bool = False
) -> list[Example]:
    """Every row of a file or folder as an Example, in order; the format is seen from the columns.

    Rows marked "answerable": false that carry no answer are left out and counted in the log. Raises
    FileNotFoundError, or ValueError naming the file, the first bad line and how many more there are. Rows whose
    kind of fault ("bad_rows", "empty_answers") stands in `allow` are left out, as long as a sound one remains. With
    `prompts` a row may be a question without an answer; with `spans` a question about a passage, as for "span_qa".
    """
    reading = read_examples(path, prompts=prompts, spans=spans)
    faults = [fault for fault in reading.faults if fault.key not in allow]
    if faults and reading.examples:
        more = f" ({len(faults) - 1} more: 'advisor check' lists them)" if faults[1:] else ""
        keys = " ".join(f"--allow {key}" for key in dict.fromkeys(fault.key for fault in faults))
        reason = faults[0].reason.rstrip(".")
        raise ValueError(
            f"{_place(reading.source, faults[0])}: {reason}{more}; mend it, or leave out with {keys}."
        )
    if reading.unanswerable:
        logger.info("%s: %d unanswerable rows without an answer left out", path, reading.unanswerable)
    return list(sound_rows(reading))


def sound_rows(reading: Reading) -> tuple[Example, ...]:
    """The examples. Raises ValueError in one line when there is none."""
    if reading.examples:
        return reading.examples
    if reading.faults:
        first, others = reading.faults[0], len(reading.faults) - 1
        more = f" ({others} more such rows and no sound one)" if others else " (the only row)"
        raise ValueError(f"{_place(reading.source, first)}: {first.reason.rstrip('.')}{more}.")
    row = '{"question": ..., "answer": ...}'
    raise ValueError(f"'{reading.source}' holds no usable row; a row is e.g. {row}.")


def read_examples(path: str | Path, *, prompts: bool = False, spans: bool = False) -> Reading:
    """Every row of a file or folder that can be read, and what is wrong with the others, row by row.

    Raises FileNotFoundError, and ValueError or ImportError where the file as a whole cannot be read.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(
            f"No examples at '{source}'; give a file of rows ({', '.join(SUFFIXES)}) or a folder."
        )
    if source.is_dir() and (files := row_files(source)):
        _keep_apart(source, files[0][0])
        return _joined(
            source, [_read_rows(file, split, prompts=prompts, spans=spans) for file, split in files]
        )
    if source.is_dir() and not is_text_folder(source):
        return _read_rows(source, prompts=prompts, spans=spans)
    if source.is_dir() or source.suffix.lower() in (".txt", ".md", ".markdown", ".text"):
        return _documents(source)
    return _read_rows(source, prompts=prompts, spans=spans)


def _keep_apart(folder: Path, rows: Path) -> None:
    """Raises ValueError where a folder holds rows and texts: either could be meant. A README is neither."""
    texts = [file for file in text_files(folder) if file.stem.lower() not in ("readme", "license", "notice")]
    if texts:
        raise ValueError(
            f"'{folder}' holds rows ({rows.name}) and texts ({texts[0].name}); name the file, or part them."
        )


def documents_as_examples(texts: Iterable[str]) -> list[Example]:
    """Raw documents as rows of continued pretraining, numbered in their order; empty ones are left out."""
    return [Example(text=text, line=number) for number, text in enumerate(texts, start=1) if text.strip()]


def _documents(source: Path) -> Reading:
    files = text_files(source)
    examples, faults = [], []
    for number, file in enumerate(files, start=1):
        found = document(file)
        if isinstance(found, str) and found.strip():
            examples.append(Example(text=found, line=number))
        elif not isinstance(found, str):
            faults.append(Fault(line=number, reason=f"{file.name}: {found.reason}"))
    formats = (("documents", len(examples)),) if examples else ()
    return Reading(source=str(source), examples=tuple(examples), faults=tuple(faults), formats=formats)


def _read_rows(
    source: Path, split: str | None = None, *, prompts: bool = False, spans: bool = False
) -> Reading:
    examples: list[Example] = []
    faults: list[Fault] = []
    formats: Counter[str] = Counter()
    unanswerable = 0
    for line, row in stored_rows(source) if source.is_dir() else rows_in(source):
        if isinstance(row, Fault):
            faults.append(row)
            continue
        try:
            name, example = example_of(
                {"split": split, **row} if split else row, line, prompts=prompts, spans=spans
            )
        except EmptyAnswer as empty:
            faults.append(Fault(line=line, reason=str(empty), key="empty_answers"))
        except ValueError as error:
            faults.append(Fault(line=line, reason=str(error)))
        else:
            formats[name] += 1
            unanswerable += example is None
            examples += [example] if example is not None else []
    return Reading(
        source=str(source),
        examples=tuple(examples),
        faults=tuple(faults),
        unanswerable=unanswerable,
        formats=tuple(formats.most_common()),
    )


def _joined(source: Path, parts: list[Reading]) -> Reading:
    formats: Counter[str] = Counter()
    for part in parts:
        formats.update(dict(part.formats))
    return Reading(
        source=str(source),
        examples=tuple(example for part in parts for example in part.examples),
        faults=tuple(
            Fault(line=fault.line, reason=f"{Path(part.source).name}: {fault.reason}", key=fault.key)
            for part in parts
            for fault in part.faults
        ),
        unanswerable=sum(part.unanswerable for part in parts),
        formats=tuple(formats.most_common()),
    )


def _place(source: str, fault: Fault) -> str:
    return source if Path(source).is_dir() else f"{source}:{fault.line}"
