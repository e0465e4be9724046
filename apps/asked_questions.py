"""Questions without answers, to be answered by a model: of any file of rows, or a text file with one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COLUMNS = ("question", "prompt", "messages", "query", "instruction", "问题", "提问")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question and the turns before it."""

    text: str
    history: tuple[dict[str, str], ...] = ()


def read_asked(path: str | Path) -> list[AskedQuestion]:
    """Each different question once, in order. Raises OSError, or ValueError naming the file and the line.

    Of a conversation the last turn of the user is the question; a system turn is refused, for the program writes it.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"No questions at '{file}'; give a file of rows, or a text with one a line.")
    found = dict.fromkeys(_of_text(file) if file.suffix.lower() in (".txt", ".md") else _of_rows(file))
    if not found:
        raise ValueError(f"'{file}' holds no question; a row is {{\"question\": ...}}.")
    return [AskedQuestion(text=text, history=tuple(map(dict, turns))) for text, turns in found]


Plain = tuple[str, tuple[tuple[tuple[str, str], ...], ...]]  # hashable


def _of_text(file: Path) -> Iterator[Plain]:
    for line in file.read_text("utf-8-sig").splitlines():
        if line.strip():
            yield line.strip(), ()


def _of_rows(file: Path) -> Iterator[Plain]:
    from finetune.formats.files import rows_in

    for line, row in rows_in(file):
        try:
            if not isinstance(row, Mapping):
                raise ValueError(row.reason)
            yield _asked({str(name).strip().lower(): value for name, value in row.items()})
        except ValueError as mistake:
            raise ValueError(f"{file}:{line}: {mistake}") from None


def _asked(row: Mapping[str, Any]) -> Plain:
    from finetune.formats.conversations import prompt_turns

    column = next((name for name in _COLUMNS if row.get(name)), None)
    if column is None:
        raise ValueError('a row is {"question": ...}, or has "prompt" or "messages".')
    turns = prompt_turns(row[column], column)
    at = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if at is None:
        raise ValueError(f"nobody asks anything in '{column}'.")
    if any(turn["role"] == "system" for turn in turns):
        raise ValueError(f"'{column}' has a system turn; leave it out, for the program writes its own.")
    before = tuple(tuple((name, turn[name]) for name in ("role", "content")) for turn in turns[:at])
    return turns[at]["content"].strip(), before
