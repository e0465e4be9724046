"""Chinese rows for a model that was made for English: texts for its vocabulary, pairs to learn a search from, questions
with passages to learn reading from. Train splits alone, but for `dev_questions`."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from refusal_sets import rows_of
from search_sets import SETS, lines_of

from finetune.schema import Example

Pairs = list[tuple[str, str]]
WORDS = 6000  # of a dictionary, that the embedder learns beside sentences
STRETCH = (
    160  # characters of a passage around its answer: whole ones would take four times as long to learn from
)
_NOT_MEANT = re.compile(r"CL:|variant of|old variant|see |abbr\. for|surname|also written|erhua|used in")


def texts() -> list[str]:
    """What the vocabulary is counted on."""
    found = [text for row in rows_of("medical_zh/qa_train") for text in (row["question"], row["answer"])]
    found += [text for row in rows_of("cmrc_zh/train") for text in (row["question"], row["context"])]
    found += [text for row in _xquad() for text in (row["question"], row["context"])]
    found += list(_finance_documents().values())
    return list(dict.fromkeys(found))


def _xquad() -> list[dict[str, Any]]:
    return [row for row in rows_of("cmrc_zh/xquad_zh") if row["split"] == "train"]


def _finance_documents() -> dict[str, str]:
    rows = [*rows_of("finance_zh/cfbenchmark_documents"), *rows_of("finance_zh/openfindata_documents")]
    return {row["doc_id"]: row["text"] for row in rows if row["split"] == "train"}


def translations(dictionary: Path | None) -> Pairs:
    """Questions of XQuAD and their originals; with a dictionary its words, too."""
    return [(row["question"], row["question_en"]) for row in _xquad()] + (
        list(dictionary_words(dictionary)) if dictionary else []
    )


def dictionary_words(file: Path) -> Iterator[tuple[str, str]]:
    """Simplified words of a file in CC-CEDICT's format, with up to three of their meanings."""
    for line in file.read_text("utf-8").splitlines():
        found = re.match(r"\S+ (\S+) \[.*?\] /(.*)/", line)
        if found is None:
            continue
        meanings = [re.sub(r"\(.*?\)", "", one).strip() for one in found[2].split("/")]
        plain = [one for one in meanings if one.isascii() and one and not _NOT_MEANT.match(one)]
        if plain and len(found[1]) <= 8:
            yield found[1], "; ".join(plain[:3])


def search_rows(words: Pairs, seed: int) -> list[Example]:
    """Questions and what answers them in Chinese; sentences and some words with what they mean in English."""
    draw = random.Random(seed)
    documents = _finance_documents()
    pairs = [(row["question"], row["answer"]) for row in draw.sample(rows_of("medical_zh/qa_train"), 4000)]
    pairs += [(row["question"], stretch(row, draw)[0]) for row in rows_of("cmrc_zh/train")]
    asked = [row for row in rows_of("finance_zh/openfindata_qa") if row["doc_id"] in documents]
    pairs += [(row["question"], documents[row["doc_id"]]) for row in asked]
    english = {row["_id"]: row["text"] for row in lines_of(SETS / "xquad_zh_en" / "corpus.jsonl.gz")}
    gold = (SETS / "xquad_zh_en" / "qrels" / "train.tsv").read_text("utf-8").splitlines()[1:]
    of = {query: english[passage] for query, passage, _ in (line.split("\t") for line in gold)}
    for row in _xquad():
        if row["id"] in of:
            pairs += [(row["question"], of[row["id"]]), (row["question_en"], of[row["id"]])]
    pairs += draw.sample(words, min(len(words), WORDS))
    return [Example(question=question, positives=(text,)) for question, text in pairs]


def reading_rows(seed: int, english: int) -> list[Example]:
    """Chinese questions with a stretch of their passage, and as many English ones as are asked for."""
    draw = random.Random(seed)
    found = []
    for row in rows_of("cmrc_zh/train"):
        text, start = stretch(row, draw)
        answer = row["answers"][0]
        begin = answer["answer_start"] - start
        spans = ((begin, begin + len(answer["text"])),)
        found.append(Example(question=row["question"], context=text, answers=spans))
    for row in draw.sample(rows_of("squad_en/train"), english):
        spans = tuple((one["answer_start"], one["answer_start"] + len(one["text"])) for one in row["answers"])
        found.append(Example(question=row["question"], context=row["context"], answers=spans))
    return found


def stretch(row: dict[str, Any], draw: random.Random) -> tuple[str, int]:
    """A part of the passage that holds the answer somewhere, and where it begins."""
    answer, text = row["answers"][0], row["context"]
    length = max(STRETCH, len(answer["text"]))
    last = min(answer["answer_start"], max(len(text) - length, 0))
    first = min(max(0, answer["answer_start"] + len(answer["text"]) - length), last)
    start = draw.randint(first, last)
    return text[start : start + length], start


def dev_questions(count: int) -> list[tuple[str, str, Sequence[str]]]:
    """Question, passage and right answers of CMRC's dev split."""
    rows = rows_of("cmrc_zh/dev")[:count]
    return [(row["question"], row["context"], [one["text"] for one in row["answers"]]) for row in rows]
