"""The shared question sets as documents and questions, for asking with and without the documents that answer."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[2] / "shared" / "data"
_HERE = re.compile(
    r"\b(?:this|the) (?:study|studies|report|publication|paper|article|findings)\b(?! of)", re.IGNORECASE
)
SQUAD_ARTICLES = 14  # of the train split: with more, the index takes longer and nothing is learnt
# What the trained reader learned from says nothing of how sure it may be: its judge is fitted on "held" questions,
# which are the dev split, and shown on the test split. Chinese sets are fitted on train and shown on dev.
SPLITS = ("train", "held", "shown")
ENGLISH = {"train": "train", "dev": "held", "test": "shown"}


@dataclass(frozen=True)
class Asked:
    """A question and its gold source; `impossible` ones were written to have no answer there. `split` is of SPLITS."""

    text: str
    source: str
    split: str
    impossible: bool = False


@dataclass(frozen=True)
class QuestionSet:
    """`article` of each source: what is taken out with it when the whole document goes."""

    language: str
    documents: Mapping[str, str]
    article: Mapping[str, str]
    questions: Sequence[Asked]


def rows_of(name: str) -> list[dict[str, Any]]:
    with gzip.open(SHARED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def drawn(rows: Sequence[Any], count: int) -> list[Any]:
    """The same rows in every run."""
    return random.Random(0).sample(list(rows), min(count, len(rows)))


def held_titles(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """A tenth of SQuAD's train articles, which no reader learns from; its dev split is what is shown."""
    titles = sorted({row["title"] for row in rows})
    return set(random.Random(0).sample(titles, len(titles) // 10))


def _squad(count: int) -> QuestionSet:
    train, shown = rows_of("squad_en/train"), rows_of("squad_en/dev")
    held = held_titles(train)
    others = sorted({row["title"] for row in train} - held)
    learned = set(random.Random(1).sample(others, SQUAD_ARTICLES))
    rows = {
        "train": [row for row in train if row["title"] in learned],
        "held": [row for row in train if row["title"] in held],
        "shown": shown,
    }
    everything = [row for split in SPLITS for row in rows[split]]
    questions = [
        Asked(row["question"], row["context_id"], split, row["is_impossible"])
        for split in rows
        for hard in (False, True)
        for row in drawn([row for row in rows[split] if row["is_impossible"] is hard], count // (1 + hard))
    ]
    return QuestionSet(
        "en",
        {row["context_id"]: row["context"] for row in everything},
        {row["context_id"]: row["title"] for row in everything},
        questions,
    )


def _cmrc(count: int) -> QuestionSet:
    rows = {split: rows_of(f"cmrc_zh/{split}") for split in ("train", "dev")}
    rows["shown"] = rows.pop("dev")
    documents = {row["context_id"]: row["context"] for split in rows for row in rows[split]}
    questions = [
        Asked(row["question"], row["context_id"], split)
        for split in rows
        for row in drawn(rows[split], count)
    ]
    return _each_alone("zh", documents, questions)


def _with_documents(
    language: str, documents: str, questions: str, only_asked: bool = False, by_topic: bool = False
) -> Callable[[int], QuestionSet]:
    """`by_topic`: several documents treat one thing, so that it is still answered when one of them goes."""

    def load(count: int) -> QuestionSet:
        asked = [
            Asked(row["question"], row["doc_id"], name)
            for split, name in ENGLISH.items()
            for row in drawn([row for row in rows_of(f"{questions}_{split}") if _says_which(row)], count)
        ]
        wanted = {one.source for one in asked}
        rows = [row for row in rows_of(documents) if not only_asked or row["doc_id"] in wanted]
        texts = {row["doc_id"]: row["text"] for row in rows}
        if not by_topic:
            return _each_alone(language, texts, asked)
        return QuestionSet(language, texts, _topics({row["doc_id"]: row["title"] for row in rows}), asked)

    return load


def _says_which(row: Mapping[str, str]) -> bool:
    """Whether a question can be asked of many documents: "the conclusion of this study" can be of each."""
    return not _HERE.search(row["question"])


def _topics(titles: Mapping[str, str]) -> dict[str, str]:
    """The shortest title whose words a title holds: "Prostate Cancer" for "Familial prostate cancer"."""
    words = {source: f" {' '.join(title.lower().split())} " for source, title in titles.items()}
    return {
        source: min((title for title in words.values() if title in own), key=len)
        for source, own in words.items()
    }


def _openfindata(count: int) -> QuestionSet:
    """It has no splits: every other row is fitted on."""
    rows = drawn([row for row in rows_of("finance_zh/openfindata_qa") if row["doc_id"]], 2 * count)
    questions = [
        Asked(row["question"], row["doc_id"], ("train", "shown")[n % 2]) for n, row in enumerate(rows)
    ]
    return _each_alone(
        "zh", {row["doc_id"]: row["text"] for row in rows_of("finance_zh/openfindata_documents")}, questions
    )


def _medical_zh(count: int) -> QuestionSet:
    """A doctor's answer is the document of its question."""
    rows = {
        name: drawn(rows_of(f"medical_zh/qa_{split}"), 3 * count)
        for split, name in (("train", "train"), ("dev", "shown"))
    }
    questions = [
        Asked(row["question"], row["doc_id"], split) for split in rows for row in rows[split][:count]
    ]
    return _each_alone(
        "zh", {row["doc_id"]: row["answer"] for split in rows for row in rows[split]}, questions
    )


def _each_alone(language: str, documents: Mapping[str, str], questions: Sequence[Asked]) -> QuestionSet:
    return QuestionSet(language, documents, {source: source for source in documents}, questions)


SETS: Mapping[str, Callable[[int], QuestionSet]] = {
    "squad_en": _squad,
    "covidqa_en": _with_documents("en", "medical_en/covidqa_documents", "medical_en/covidqa_qa"),
    "medquad_en": _with_documents(
        "en", "medical_en/medquad_documents", "medical_en/medquad_qa", only_asked=True, by_topic=True
    ),
    "pubmedqa_en": _with_documents("en", "medical_en/pubmedqa_documents", "medical_en/pubmedqa_qa"),
    "tatqa_en": _with_documents("en", "finance_en/tatqa_documents", "finance_en/tatqa_qa", only_asked=True),
    "cmrc_zh": _cmrc,
    "openfindata_zh": _openfindata,
    "medical_zh": _medical_zh,
}
