"""Hard negatives for training a search: for each question what the search finds first and what does not answer it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from finetune.sameness import normalised

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from finetune import Example
    from rag.schema import Hit

    Vector = npt.NDArray[np.float32]

EACH, DEPTH = 4, 30  # negatives of a question, and how many passages are looked at for them
# A passage nearer to the question than this share of its answer's cosine is likely an answer too: TopK-PercPos of
# arXiv 2407.15831, which was the best of the ways tried there, at 0.95.
MARGIN = 0.95
SHARED_WORDS = 0.8  # of the shorter of two passages: from here on they are the same one, cut elsewhere


class Searched(Protocol):
    """What is asked of an index."""

    @property
    def embedder(self) -> Any: ...

    def search(self, query: str, k: int | None = None) -> list[Hit]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Rows with their negatives, and what became of the passages that were found."""

    rows: tuple[Example, ...]
    found: int  # passages that the search gave
    own: int  # of them: those that answer their question, or a part of such a one
    likely_true: int  # too near to the question to be called wrong
    kept: int
    without: int  # rows that got none


def mine_negatives(
    examples: Sequence[Example],
    index: Searched,
    *,
    each: int = EACH,
    depth: int = DEPTH,
    margin: float = MARGIN,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Mined:
    """Adds to each example up to `each` passages of `index` that its question finds and that answer neither it nor an
    equal question; negatives that it has already come first. Raises ValueError where no example has a passage."""
    if not any(row.positives for row in examples):
        raise ValueError(
            'No row has a passage that answers its question; a row is e.g. {"question": ..., "positive": ...}.'
        )
    answers: dict[str, list[str]] = defaultdict(list)
    for row in examples:
        answers[normalised(row.question)] += row.positives
    rows: list[Example] = []
    counts = dict.fromkeys(("found", "own", "likely_true", "kept"), 0)
    cosines = _Cosines(index.embedder)
    for at, row in enumerate(examples, start=1):
        hits = index.search(row.question, k=depth)
        others = list(_others(hits, answers[normalised(row.question)]))
        wrong = list(_wrong(row, others, cosines, margin))
        taken = list(dict.fromkeys([*row.negatives, *wrong]))[: max(each, len(row.negatives))]
        rows.append(replace(row, negatives=tuple(taken)))
        counts["found"] += len(hits)
        counts["own"] += len(hits) - len(others)
        counts["likely_true"] += len(others) - len(wrong)
        counts["kept"] += len(taken) - len(row.negatives)
        progress("mine", at, len(examples))
    return Mined(rows=tuple(rows), without=sum(not row.negatives for row in rows), **counts)


def _others(hits: Iterable[Hit], answers: Sequence[str]) -> Iterator[Hit]:
    """The hits that are no part of an answer, nor hold one."""
    known = [_words(text) for text in answers]
    for hit in hits:
        words = _words(hit.chunk.text)
        if words and not any(_same(words, other) for other in known):
            yield hit


def _words(text: str) -> frozenset[str]:
    """Words, or runs of three characters where words are not set apart."""
    flat = normalised(text)
    if any("\u2e80" <= letter <= "\u9fff" for letter in flat):
        return frozenset(flat[at : at + 3] for at in range(max(1, len(flat) - 2)))
    return frozenset(flat.split())


def _same(first: frozenset[str], second: frozenset[str]) -> bool:
    return len(first & second) >= SHARED_WORDS * min(len(first), len(second))


class _Cosines:
    """Of a question with texts; a text that many questions find is embedded once."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self._known: dict[str, Vector] = {}

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        new = [text for text in dict.fromkeys([question, *texts]) if text not in self._known]
        self._known.update(zip(new, self._embedder.embed(new) if new else (), strict=True))
        asked = self._known[question]
        return [float(self._known[text] @ asked) for text in texts]


def _wrong(row: Example, hits: Sequence[Hit], cosines: _Cosines, margin: float) -> Iterator[str]:
    if not hits:
        return
    texts = [hit.chunk.text for hit in hits]
    near = cosines(row.question, [*row.positives, *texts])
    limit = margin * max(near[: len(row.positives)])
    for text, cosine in zip(texts, near[len(row.positives) :], strict=True):
        if cosine <= limit:
            yield text


def as_row(example: Example) -> Mapping[str, Any]:
    """A row of a file that training reads."""
    return {
        "question": example.question,
        "positive": list(example.positives),
        "negatives": list(example.negatives),
        "split": example.split,
    }


def report(mined: Mined) -> str:
    """One line for each thing that a person should know."""
    lines = [
        f"{len(mined.rows)} questions, {mined.kept} negatives mined",
        f"of {mined.found} passages found: {mined.own} answer their question or are part of such a passage, "
        f"{mined.likely_true} were left out as likely true (nearly as near to the question as its answer)",
    ]
    if mined.without:
        lines.append(
            f"{mined.without} questions got none: they are trained against the answers of the others"
        )
    return "\n".join(lines)
