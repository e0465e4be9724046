"""Parts rows into those to learn from and those held out; neither a document nor a question is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finetune.sameness import NearIndex, normalised

_MOST = 1.5  # times the share that is held out at most, since whole groups are
_LARGEST = 0.5  # of all rows that a single group may hold out where none is small enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """`splits` of the examples in order; None = left out, as it would leak."""

    splits: tuple[str | None, ...]
    held_sources: frozenset[str]  # documents that training must not see
    leaking: int = 0


def part(
    questions: Sequence[str],
    answers: Sequence[str],
    sources: Sequence[str | None],
    splits: Sequence[str],
    *,
    share: float,
    fewest: int,
    shared_documents: bool,
) -> Sides:
    """By the rows' own splits where they name any, else about `share` of them held out in whole groups.

    Rows belong together that ask the same, or nearly so with the same answer or document, or that one document answers
    (unless `shared_documents`). Raises ValueError in one line where no group can be held out.
    """
    groups = _groups(questions, answers, sources, shared_documents)
    if all(split == "train" for split in splits):
        held = _chosen(groups, share) if len(questions) >= fewest else set()
        if not held and len(questions) >= fewest:
            raise ValueError(
                f"The {len(questions)} rows hang together by their documents, so that none can be held out apart; "
                "name splits in the rows, or part them by question alone with --shared-documents."
            )
        found: list[str | None] = ["test" if at in held else "train" for at in range(len(questions))]
        return Sides(splits=tuple(found), held_sources=_sources(found, sources, shared_documents))
    leaks = _leaking(questions, answers, sources, splits, shared_documents)
    kept = [None if at in leaks else split for at, split in enumerate(splits)]
    held_sources = _sources(list(splits), sources, shared_documents)
    return Sides(splits=tuple(kept), held_sources=held_sources, leaking=len(leaks))


def _sources(
    splits: Sequence[str | None], sources: Sequence[str | None], shared_documents: bool
) -> frozenset[str]:
    if shared_documents:
        return frozenset()
    pairs = zip(splits, sources, strict=True)
    return frozenset(source for split, source in pairs if source is not None and split in ("dev", "test"))


def _leaking(
    questions: Sequence[str],
    answers: Sequence[str],
    sources: Sequence[str | None],
    splits: Sequence[str],
    shared_documents: bool,
) -> set[int]:
    """Training rows with a document or a question of a held-out row."""
    held_sources = _sources(splits, sources, shared_documents)
    same = {
        normalised(question) for question, split in zip(questions, splits, strict=True) if split != "train"
    }
    near = NearIndex(questions)
    return {
        at
        for at, split in enumerate(splits)
        if split == "train"
        and (
            sources[at] in held_sources
            or normalised(questions[at]) in same
            or any(splits[other] != "train" for other in _alike(at, near, answers, sources))
        )
    }


def _alike(at: int, near: NearIndex, answers: Sequence[str], sources: Sequence[str | None]) -> Iterator[int]:
    """Rows that ask nearly the same. Questions of one mould about different things have other answers and documents."""
    for other in near.near_to(at):
        same_source = sources[at] is not None and sources[at] == sources[other]
        if same_source or normalised(answers[at]) == normalised(answers[other]):
            yield other


def _groups(
    questions: Sequence[str], answers: Sequence[str], sources: Sequence[str | None], shared_documents: bool
) -> list[list[int]]:
    """Places that hang together by a question or by a document."""
    parent = list(range(len(questions)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[tuple[str, str], int] = {}
    near = NearIndex(questions)
    for at, (question, source) in enumerate(zip(questions, sources, strict=True)):
        keys = [("question", normalised(question))]
        keys += [] if source is None or shared_documents else [("source", source)]
        for other in (*(first.setdefault(key, at) for key in keys), *_alike(at, near, answers, sources)):
            parent[root(at)] = root(other)
    found: dict[int, list[int]] = {}
    for at in range(len(questions)):
        found.setdefault(root(at), []).append(at)
    return sorted(found.values(), key=lambda group: _hash(min(questions[at] for at in group)))


def _chosen(groups: Sequence[Sequence[int]], share: float) -> set[int]:
    """Whole groups, by their hash, until the share is reached; never all of them."""
    total = sum(map(len, groups))
    wanted, chosen = share * total, set[int]()
    for group in groups:
        if len(chosen) < wanted and len(chosen) + len(group) <= _MOST * max(wanted, 1):
            chosen.update(group)
    smallest = min(groups, key=len, default=[])
    if not chosen and len(groups) > 1 and len(smallest) <= _LARGEST * total:
        chosen.update(smallest)
    return chosen if len(chosen) < total else set()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
