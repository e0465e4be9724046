"""Whole answers with and without a trained reader: short answers, citations, refusals and time, side by side.

Each set's documents are indexed whole and asked its dev questions; TAT-QA's, which name no company, are asked of their
own report. Without a span reader the quoted sentences are the answer. It needs the shared question sets.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from domain_sets import DOMAIN_SETS, Asked, DomainSet, drawn, index_of
from refusal_sets import SHARED
from results import RESULTS, machine, tell

from apps.assistant import Answer, Assistant
from apps.generators import Extractive
from finetune.span_scores import exact, f1
from rag import Index
from rag.domain_readers import SHIPPED, section_reader
from rag.embed import load_embedder
from rag.reader import AlignedReader
from rag.schema import Hit
from rag.span_reader import SpanReader, open_span_reader
from rag.tuned import shipped

TITLE = "Whole answers: with and without a trained reader"
NAMES = ("squad_en", "covidqa_en", "tatqa_en", "medquad_en")
BASE = "sentences"
DRAWS = 2000  # of the bootstrap

Spans = tuple[SpanReader | None, SpanReader | None]  # who marks answers, and who whole sections
Readers = Mapping[str, Spans]  # by the name of the arm


@dataclass(frozen=True, slots=True)
class Told:
    """One question answered: shares 0 to 1, None where the question has no such thing."""

    em: float
    f1: float
    cited: float | None  # the gold document
    quoted: float | None  # its stretch that answers, as far as it is known
    wrongly: float | None  # refused, though it can be answered
    rightly: float | None
    ms: float


class Scoped:
    """An index of which one source is searched."""

    def __init__(self, index: Index, source: str) -> None:
        self.embedder, self.rarity = index.embedder, index.rarity
        self._index, self._source = index, source

    def search(self, query: str, k: int = 6, where: Any = None) -> Sequence[Hit]:
        return self._index.search(query, k=k, where={"source": self._source})


def answered(chosen: DomainSet, index: Index, asked: Asked, reader: AlignedReader) -> Told:
    retriever = Scoped(index, asked.source) if chosen.scoped else index
    assistant = Assistant(Extractive(), retriever, reader=reader)
    start = time.perf_counter()
    answer = assistant.ask(asked.text)
    return told(asked, answer, 1000 * (time.perf_counter() - start))


def told(asked: Asked, answer: Answer, ms: float) -> Told:
    said = said_by(answer)
    can = bool(asked.golds)
    stretch = [part for part in asked.parts if can]
    return Told(
        em=max((exact(said, gold) for gold in asked.golds), default=float(not said)),
        f1=max((f1(said, gold) for gold in asked.golds), default=float(not said)),
        cited=float(any(c.source == asked.source for c in answer.citations)) if can else None,
        quoted=float(_overlap(asked, answer, stretch)) if stretch else None,
        wrongly=float(answer.refused) if can else None,
        rightly=None if can else float(answer.refused),
        ms=ms,
    )


def said_by(answer: Answer) -> str:
    """The short answer, else the quoted sentences; nothing of a refusal."""
    if answer.refused:
        return ""
    return answer.short or " ".join(dict.fromkeys(citation.quote for citation in answer.citations))


def _overlap(asked: Asked, answer: Answer, stretch: Sequence[tuple[int, int]]) -> bool:
    mine = [citation for citation in answer.citations if citation.source == asked.source]
    return any(c.start < end and c.end > start for c in mine for start, end in stretch)


def measured(name: str, split: str, count: int, folder: Path, readers: Callable[[str], Readers]) -> list[str]:
    """Table rows of one set: an arm each."""
    chosen = DOMAIN_SETS[name]()
    index = index_of(chosen, folder, load_embedder())
    questions = drawn(chosen.questions[split], count)
    # Each arm keeps what it has read for itself, so that its time is its own.
    arms = {
        arm: AlignedReader(index.rarity, index.embedder, spans=spans, sections=sections)
        for arm, (spans, sections) in readers(chosen.domain).items()
    }
    found: dict[str, list[Told]] = {arm: [] for arm in arms}
    for reader in arms.values():
        answered(chosen, index, questions[0], reader)  # loads what is loaded once
    for asked in questions:
        for arm, reader in arms.items():
            found[arm].append(answered(chosen, index, asked, reader))
    return [_row(f"{name} {split}", arm, rows, found[BASE]) for arm, rows in found.items()]


def _row(name: str, arm: str, rows: Sequence[Told], base: Sequence[Told]) -> str:
    shares = [_mean([getattr(row, part) for row in rows]) for part in Told.__slots__ if part != "ms"]
    cells = " | ".join("-" if share is None else f"{share:.3f}" for share in shares)
    gain = "" if rows is base else _gain([row.f1 for row in rows], [row.f1 for row in base])
    return f"| {name} | {arm} | {len(rows)} | {cells} | {np.median([row.ms for row in rows]):.0f} | {gain} |"


def _mean(found: Sequence[float | None]) -> float | None:
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if known else None


def _gain(mine: Sequence[float], base: Sequence[float]) -> str:
    """The mean difference and its 95 % interval over questions (bootstrap)."""
    differences = np.array(mine) - np.array(base)
    draws = np.random.default_rng(0).choice(differences, (DRAWS, len(differences))).mean(1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def arms_of(domain: str, given: Mapping[str, str]) -> Readers:
    """No span reader, the general one, the same with sections as by default, and the domain's where there is one."""
    found: dict[str, Spans] = {BASE: (None, None)}
    for name in dict.fromkeys(("general", domain)):
        own = Path(given[name]) if name in given else shipped(SHIPPED[name]) if name in SHIPPED else None
        if own is None:
            continue
        found[f"{name} reader"] = (open_span_reader(own), None)
        if (sections := section_reader(name)) is not None:
            found[f"{name} reader, sections"] = (open_span_reader(own), sections)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150, help="questions of each set")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--splits", nargs="+", choices=("dev", "test"), default=("dev", "test"))
    parser.add_argument(
        "--reader", action="append", default=[], metavar="DOMAIN=FOLDER", help="instead of the shipped one"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps indexes for the next run")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    chosen = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is not there; this benchmark needs the shared question sets.")
    given = dict(pair.split("=", 1) for pair in chosen.reader)
    with tempfile.TemporaryDirectory() as place:
        folder = chosen.cache or Path(place)
        rows = [
            row
            for name in chosen.sets
            for split in chosen.splits
            for row in measured(name, split, chosen.count, folder, lambda domain: arms_of(domain, given))
        ]
    text = "\n".join([*_head(chosen.count), *rows, "", machine()]) + "\n"
    tell(TITLE, text, chosen.write)


def _head(count: int) -> list[str]:
    return [
        f"## {TITLE}",
        "",
        f"Up to {count} questions of each split (squad_en dev: of train articles that no reader learned from), k = 6,",
        "extractive generator, each question asked of all arms in turn. EM and F1 as SQuAD 2.0 counts them, of",
        "the short answer, or of the quoted sentences where there is none; a refusal is right where nothing answers.",
        "Cited: the gold document; quoted: the stretch of it that answers. Milliseconds: the median. F1 gain: over the",
        f"sentences, with the 95 % interval of {DRAWS} bootstrap draws of questions. Sections, as by default: what the",
        "medical reader marks around the best sentence is the answer, where it is a whole section.",
        "",
        "| set | reader | questions | EM | F1 | cited | quoted | wrongly refused | rightly refused | ms | F1 gain |",
        "|---|---|" + "---:|" * 9,
    ]


if __name__ == "__main__":
    main()
