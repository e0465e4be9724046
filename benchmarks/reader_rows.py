"""What a reader learns from: questions beside the passages that a search of their documents would give it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from domain_sets import Asked, DomainSet
from refusal_sets import rows_of

from rag import Index
from rag.schema import Chunk
from rag.sentences import sentence_spans

Row = dict[str, Any]
_WORD = re.compile(r"\w+")
DISTRACTORS = 1  # passages beside the gold one that a question is asked of, and that do not answer it
_SPANS = 4  # sentences that may together be the answer where none is marked
_LEAST_F1 = 0.3  # of the best sentences with an answer that stands nowhere: below it the row is left out


def squad_rows(chosen: DomainSet, split: str) -> list[Row]:
    """As they were written, unanswerable ones with them: each question beside its own paragraph."""
    wanted = {asked.id for asked in chosen.questions[split]}
    kept = "dev" if split == "test" else "train"
    return [
        {key: row[key] for key in ("id", "question", "context", "answers")}
        for row in rows_of(f"squad_en/{kept}")
        if row["id"] in wanted
    ]


def found_rows(
    chosen: DomainSet, split: str, index: Index, *, seed: int = 0, most: int | None = None
) -> list[Row]:
    """Each question beside a passage of its source that holds an answer, and beside found ones that hold none."""
    rng = random.Random(seed)
    questions = list(chosen.questions[split])
    rng.shuffle(questions)
    rows: list[Row] = []
    for asked in questions[:most]:
        rows += _rows_of(asked, chosen, index, rng)
    return rows


def _rows_of(asked: Asked, chosen: DomainSet, index: Index, rng: random.Random) -> list[Row]:
    chunks = index.chunks(asked.source)
    parts = asked.parts or _likely_parts(asked, chunks)
    holding = [(chunk, span) for chunk in chunks if (span := _inside(chunk, parts)) is not None]
    if not holding or asked.kind in ("arithmetic", "count", "multi-span"):
        return []
    # The whole answer before a part of it.
    holding.sort(key=lambda pair: pair[1][0] - pair[1][1])
    where = {"source": asked.source} if chosen.scoped else None
    golds = {(chunk.source, chunk.start) for chunk, _ in holding}
    others = [
        hit.chunk
        for hit in index.search(asked.text, k=6, where=where)
        if (hit.chunk.source, hit.chunk.start) not in golds
        and not any(gold.lower() in hit.chunk.text.lower() for gold in asked.golds)
    ]
    rng.shuffle(others)
    chunk, span = holding[0]
    return [row_of(asked, chunk, span), *(row_of(asked, other, None) for other in others[:DISTRACTORS])]


def row_of(asked: Asked, chunk: Chunk, span: tuple[int, int] | None) -> Row:
    """The passage as a reader is given it: under the path of its headings."""
    lead = f"{chunk.heading}\n" if chunk.heading else ""
    answers = []
    if span is not None:
        start, end = span
        answers = [{"text": chunk.text[start:end], "answer_start": len(lead) + start}]
    name = f"{asked.id}@{chunk.start}"
    return {"id": name, "question": asked.text, "context": lead + chunk.text, "answers": answers}


def _inside(chunk: Chunk, parts: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """The stretch of the chunk that the answer covers, from 0; a long answer may go on beyond it."""
    best: tuple[int, int] | None = None
    for start, end in parts:
        first, last = max(start, chunk.start) - chunk.start, min(end, chunk.end) - chunk.start
        whole = chunk.text[max(first, 0) : max(last, 0)].strip()
        if last <= first or not whole or len(whole) < min(end - start, 80):
            continue
        first += len(chunk.text[first:last]) - len(chunk.text[first:last].lstrip())
        if best is None or len(whole) > best[1] - best[0]:
            best = first, first + len(whole)
    return best


def _likely_parts(asked: Asked, chunks: Sequence[Chunk]) -> list[tuple[int, int]]:
    """Where nothing is marked: the neighbouring sentences of a passage that say most of what the answer says."""
    best, place = _LEAST_F1, None
    gold = Counter(_WORD.findall(asked.golds[0].lower()))
    for chunk in chunks:
        spans = sentence_spans(chunk.text)
        for first in range(len(spans)):
            for last in range(first, min(first + _SPANS, len(spans))):
                text = chunk.text[spans[first][0] : spans[last][1]]
                if (score := _f1(Counter(_WORD.findall(text.lower())), gold)) > best:
                    best, place = score, (chunk.start + spans[first][0], chunk.start + spans[last][1])
    return [place] if place else []


def _f1(said: Counter[str], gold: Counter[str]) -> float:
    same = sum((said & gold).values())
    return 2 * same / max(said.total() + gold.total(), 1)
