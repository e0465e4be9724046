"""The records of a data report: what was found in the rows before training, ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of the data: `key` is what --allow names, `message` one line, `rows` line numbers in the file."""

    key: str
    message: str
    rows: tuple[int, ...] = ()
    blocking: bool = False  # it would waste the training
    fatal: bool = False  # nothing could be trained: no --allow helps


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one set of rows, as the trainer's batches hold them: learned, or read without loss.

    `cut` and `dropped` never reach the model; with these four every token of the rows is accounted for.
    """

    rows: int  # that are trained on
    supervised: int
    masked: int
    cut: int  # beyond the longest row allowed, of rows that are trained on
    dropped: int  # of rows that are not: nothing to learn is left in them
    rows_cut: int
    rows_dropped: int
    sequences: int  # what batches are made of: rows, divided conversations, or packed blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths of the rows before any cut, in `unit`."""

    unit: str  # tokens, characters
    p50: int
    p90: int
    p99: int
    most: int
    longest: tuple[tuple[int, int], ...]  # line, length; the longest first
    suggested: int | None = None  # a max_length that cuts one row in a hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a row as the model sees it; `supervised`: loss is taken on it."""

    text: str
    supervised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    line: int
    pieces: tuple[Piece, ...]
    side: str = ""  # of a judged answer: chosen, rejected, liked, disliked


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """All that was found; `training` and `held_out` are None where no tokenizer was at hand."""

    objective: str
    model: str
    max_length: int
    rows: int
    held_out_rows: int
    kinds: dict[str, int]  # conversations, labels, texts, preferences, thumbs
    findings: tuple[Finding, ...]
    training: Tokens | None = None
    held_out: Tokens | None = None
    lengths: Lengths | None = None
    labels: dict[str, int] = field(default_factory=dict)
    languages: dict[str, float] = field(default_factory=dict)
    preview: tuple[Preview, ...] = ()
    unchecked: tuple[str, ...] = ()  # what could not be looked at, and what would make it possible

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop a training unless they are allowed."""
        return tuple(finding for finding in self.findings if finding.blocking)
