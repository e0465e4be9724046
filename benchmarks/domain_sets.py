"""The questions that the domain adapters are measured on: documents, questions by split, gold answers and sources."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refusal_sets import rows_of
from search_sets import SETS, lines_of

from rag import Document, Index, build_index
from rag.embed import Embedder

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its gold answers (none: its documents do not say), its source and what kind it is."""

    id: str
    text: str
    source: str
    golds: tuple[str, ...]
    kind: str = ""  # of TAT-QA: span, multi-span, arithmetic, count
    parts: tuple[tuple[int, int], ...] = ()  # where in the source the answer stands, as far as known


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSet:
    """Documents with questions; `scoped` ones are asked of their own source alone, for they do not name it."""

    name: str
    domain: str
    documents: Sequence[Document]
    questions: dict[str, list[Asked]]  # by split: train, dev, test
    scoped: bool = False


def drawn(rows: Sequence[Asked], count: int | None) -> list[Asked]:
    """At most `count` of them, the same in every run."""
    if count is None or count >= len(rows):
        return list(rows)
    return random.Random(0).sample(list(rows), count)


def index_of(chosen: DomainSet, folder: Path, embedder: Embedder) -> Index:
    """The index of a set's documents by this embedder, kept in `folder` for the next run."""
    place = folder / f"{chosen.name}-{embedder.weight_hash[:12]}"
    return build_index(list(chosen.documents), place, embedder=embedder)


def squad() -> DomainSet:
    """Its dev split is the test here; a tenth of the articles of its train split are the dev split."""
    rows = {split: rows_of(f"squad_en/{split}") for split in ("train", "dev")}
    titles = sorted({row["title"] for row in rows["train"]})
    kept = set(random.Random(0).sample(titles, len(titles) // 10))
    by_split = {
        "train": [row for row in rows["train"] if row["title"] not in kept],
        "dev": [row for row in rows["train"] if row["title"] in kept],
        "test": rows["dev"],
    }
    texts = {row["context_id"]: row["context"] for row in (*rows["train"], *rows["dev"])}
    questions = {split: [_squad_asked(row) for row in found] for split, found in by_split.items()}
    return DomainSet(name="squad_en", domain="general", documents=_documents(texts), questions=questions)


def _squad_asked(row: dict[str, Any]) -> Asked:
    golds = tuple(answer["text"] for answer in row["answers"])
    parts = tuple((a["answer_start"], a["answer_start"] + len(a["text"])) for a in row["answers"])
    return Asked(id=row["id"], text=row["question"], source=row["context_id"], golds=golds, parts=parts)


def tatqa() -> DomainSet:
    documents = {row["doc_id"]: row for row in rows_of("finance_en/tatqa_documents")}
    questions = {
        split: [
            _tatqa_asked(row, documents[row["doc_id"]]) for row in rows_of(f"finance_en/tatqa_qa_{split}")
        ]
        for split in ("train", "dev", "test")
    }
    texts = {name: row["text"] for name, row in documents.items()}
    return DomainSet(
        name="tatqa_en", domain="finance", documents=_documents(texts), questions=questions, scoped=True
    )


def _tatqa_asked(row: dict[str, Any], document: dict[str, Any]) -> Asked:
    """An answer's place is looked for in the parts that are named as evidence."""
    spans = {part["section_id"]: (part["start"], part["end"]) for part in document["sections"]}
    first = min((start for start, _ in spans.values()), default=len(document["text"]))
    spans[f"{row['doc_id']}#table"] = (0, first)
    places = [spans[name] for name in row["evidence"] if name in spans]
    found = [_place(document["text"], answer, places, row["question"]) for answer in row["answers"]]
    return Asked(
        id=row["qa_id"],
        text=row["question"],
        source=row["doc_id"],
        golds=("; ".join(row["answers"]),),
        kind=row["answer_type"],
        parts=tuple(place for place in found if place is not None),
    )


def _place(text: str, answer: str, parts: Sequence[tuple[int, int]], question: str) -> tuple[int, int] | None:
    """Of the places where the answer stands as a whole word, the one whose line shares most words with the question."""
    exact = re.compile(rf"(?<![\w.,]){re.escape(answer)}(?![\w]|[.,]\d)")
    asked = set(_WORD.findall(question.lower()))

    def shared(match: re.Match[str]) -> int:
        begin, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
        return len(asked & set(_WORD.findall(text[begin : end if end >= 0 else None].lower())))

    matches = [match for start, end in parts for match in exact.finditer(text, start, end)]
    return max(matches, key=shared).span() if matches else None


def covidqa() -> DomainSet:
    texts = {row["doc_id"]: row["text"] for row in rows_of("medical_en/covidqa_documents")}
    questions = {
        split: [_covid_asked(row) for row in rows_of(f"medical_en/covidqa_qa_{split}")]
        for split in ("train", "dev", "test")
    }
    return DomainSet(name="covidqa_en", domain="medical", documents=_documents(texts), questions=questions)


def _covid_asked(row: dict[str, Any]) -> Asked:
    golds = tuple(answer["text"] for answer in row["answers"])
    parts = tuple((a["answer_start"], a["answer_start"] + len(a["text"])) for a in row["answers"])
    return Asked(id=row["qa_id"], text=row["question"], source=row["doc_id"], golds=golds, parts=parts)


def pubmedqa() -> DomainSet:
    """Its answer is the abstract's conclusion, which is not part of the document."""
    texts = {row["doc_id"]: row["text"] for row in rows_of("medical_en/pubmedqa_documents")}
    questions = {
        split: [
            Asked(id=row["qa_id"], text=row["question"], source=row["doc_id"], golds=(row["answer"],))
            for row in rows_of(f"medical_en/pubmedqa_qa_{split}")
        ]
        for split in ("train", "dev", "test")
    }
    return DomainSet(name="pubmedqa_en", domain="medical", documents=_documents(texts), questions=questions)


def medquad() -> DomainSet:
    """The answer is a whole section of its page."""
    kept = {row["_id"].split("#")[0] for row in lines_of(SETS / "medquad_en" / "corpus.jsonl.gz")}
    documents = {
        row["doc_id"]: row for row in rows_of("medical_en/medquad_documents") if row["doc_id"] in kept
    }
    questions: dict[str, list[Asked]] = {}
    for split in ("train", "dev", "test"):
        rows = [row for row in rows_of(f"medical_en/medquad_qa_{split}") if row["doc_id"] in documents]
        questions[split] = [_medquad_asked(row, documents[row["doc_id"]]) for row in rows]
    texts = {name: row["text"] for name, row in documents.items()}
    return DomainSet(name="medquad_en", domain="medical", documents=_documents(texts), questions=questions)


def _medquad_asked(row: dict[str, Any], document: dict[str, Any]) -> Asked:
    start = document["text"].find(row["answer"])
    parts = ((start, start + len(row["answer"])),) if start >= 0 else ()
    return Asked(
        id=row["qa_id"], text=row["question"], source=row["doc_id"], golds=(row["answer"],), parts=parts
    )


def _documents(texts: dict[str, str]) -> list[Document]:
    return [Document(text=text, source=source) for source, text in texts.items()]


DOMAIN_SETS: dict[str, Callable[[], DomainSet]] = {
    "squad_en": squad,
    "tatqa_en": tatqa,
    "covidqa_en": covidqa,
    "pubmedqa_en": pubmedqa,
    "medquad_en": medquad,
}
