"""Reads the files of a folder within a budget of bytes and time, and adds up what they tell."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .cheap_text import look_into
from .folder_files import File
from .glimpse import Glimpse
from .languages import share_by_language
from .near_duplicates import Sketch, sketch
from .personal_data import count_personal_data
from .tokens import count_letters

BYTE_BUDGET = 24 << 20
_FILE_LIMITS = 16 << 10, 128 << 10  # bytes read of one file; the rest is taken to be like them
# Of what was read, an excerpt is searched for languages, near-duplicates and personal data, which takes longer.
_EXCERPT_BUDGET = 3 << 20
_EXCERPT_LIMITS = 3 << 10, 128 << 10
TIME_BUDGET_S = 0.10
# With examples, whose answers are looked up, more text is read and kept.
_KEEP_LIMIT = 1 << 20
_KEEP_BUDGET = 4 << 20
_KEEP_TIME_S = 0.5
_WHOLE = 0.99  # share of a file from which it counts as read


@dataclass(slots=True)
class Survey:
    """`tokens` are by language, "" where no word told it; those of pages that could not be read are apart."""

    tokens: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    page_tokens: float = 0.0
    sampled: bool = False
    unreadable: list[str] = field(default_factory=list)  # "name: reason"
    scanned: list[str] = field(default_factory=list)
    personal_data: Counter[str] = field(default_factory=Counter)
    sketches: list[Sketch] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # name -> text, for looking up the examples' answers
    kept_tokens: float = 0.0

    @property
    def kept_share(self) -> float:
        """Of the tokens of all documents."""
        return min(1.0, self.kept_tokens / max(1.0, sum(self.tokens.values()) + self.page_tokens))


@dataclass(slots=True)
class _Format:
    """What the opened files of one format came to, and the bytes of those that were not opened."""

    tokens: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    page_tokens: float = 0.0
    opened_bytes: int = 0
    unopened_bytes: int = 0


def survey(files: Sequence[File], *, keep_text: bool) -> Survey:
    """Looks into the files in the order given until bytes or time are used up; at least one is read.

    What was not opened is taken to hold as many tokens per byte as the opened files of its format.
    """
    seen = Survey()
    formats: dict[str, _Format] = {}
    excerpt_bytes = _between(_EXCERPT_BUDGET // len(files), _EXCERPT_LIMITS)
    for file, glimpse in _glimpses(files, seen, keep_text=keep_text):
        kind = formats.setdefault(file.suffix, _Format())
        if glimpse is None:
            kind.unopened_bytes += file.size_bytes
            continue
        kind.opened_bytes += file.size_bytes
        kind.page_tokens += glimpse.page_tokens
        seen.sampled |= glimpse.share < _WHOLE
        if glimpse.scanned:
            seen.scanned.append(file.name)
        if glimpse.text.strip():
            part = excerpt(glimpse.text, excerpt_bytes)
            for language, tokens in _tokens_by_language(glimpse, part).items():
                kind.tokens[language] += tokens
                seen.kept_tokens += tokens * glimpse.share if file.name in seen.kept else 0.0
            seen.sketches.append(sketch(part))
            seen.personal_data.update(count_personal_data(part))
    _add_up(formats, seen)
    return seen


def _glimpses(
    files: Sequence[File], seen: Survey, *, keep_text: bool
) -> Iterator[tuple[File, Glimpse | None]]:
    """Each readable file with what was seen of it; None where the budget was used up before."""
    limit = _KEEP_LIMIT if keep_text else _between(BYTE_BUDGET // len(files), _FILE_LIMITS)
    stop = time.perf_counter() + (_KEEP_TIME_S if keep_text else TIME_BUDGET_S)
    spent = opened = kept = 0
    for file in files:
        if opened and (spent >= BYTE_BUDGET or time.perf_counter() > stop):
            seen.sampled = True
            yield file, None
            continue
        try:
            glimpse = look_into(file.path, file.suffix, file.size_bytes, limit)
        except (ValueError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            seen.unreadable.append(f"{file.name}: {reason}")
            continue
        opened += 1
        spent += min(file.size_bytes, limit)
        if keep_text and glimpse.text and kept < _KEEP_BUDGET:
            kept += len(glimpse.text)
            seen.kept[file.name] = glimpse.text.decode("utf-8", "replace")
        yield file, glimpse


def excerpt(text: bytes, size: int) -> bytes:
    """The beginning, the middle and the end of a text that is longer than `size`."""
    if len(text) <= size:
        return text
    third, middle = size // 3, len(text) // 2
    return b"\n".join((text[:third], text[middle - third // 2 : middle + third // 2], text[-third:]))


def _tokens_by_language(glimpse: Glimpse, part: bytes) -> dict[str, float]:
    letters = count_letters(part)
    tokens = letters.tokens * len(glimpse.text) / len(part)
    tokens += sum(count_letters(names).tokens * rows for names, rows in glimpse.repeated)
    tokens /= max(glimpse.share, 1e-6)
    return {language: share * tokens for language, share in share_by_language(part, letters).items()}


def _add_up(formats: dict[str, _Format], seen: Survey) -> None:
    opened = [kind for kind in formats.values() if kind.opened_bytes]
    for kind in formats.values():
        samples = [kind] if kind.opened_bytes else opened
        basis = max(1, sum(sample.opened_bytes for sample in samples))
        for sample in samples:
            factor = kind.unopened_bytes / basis + (sample is kind)
            seen.page_tokens += sample.page_tokens * factor
            for language, tokens in sample.tokens.items():
                seen.tokens[language] += tokens * factor


def _between(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])
