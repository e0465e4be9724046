"""Questions made from documents alone: a sentence with a stretch of it asked for, noisily worded, so that a reader
learns to find spans before it sees the few questions that people wrote (Lewis et al. 2019, arXiv 1906.04980)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from domain_sets import Asked, DomainSet
from reader_rows import Row, row_of

from rag import Index
from rag.schema import Chunk
from rag.sentences import sentence_spans

_WORD = re.compile(r"[A-Za-z][\w'’-]*|\d[\d.,]*\d|\d")
_FUNCTION = frozenset(
    """
    a an the of in on at to for from by with as and or but nor so if than that this these those it its he she his her
    they their them we our you your i is are was were be been being has have had do does did will would can could may
    might must shall should not no there here which who whom whose what when where why how also such other more most
    some any each both all into over under between among after before during about up out only very one two
    """.split()  # noqa: SIM905 - a list would take a line a word
)
_CLAUSE = re.compile(r"[;:()]|, (?=and|but|which|who)")  # where one may end
_YEAR = re.compile(r"1\d{3}|20\d\d")
_LEAST, _MOST = 7, 45  # words of a sentence that is asked about
_SPAN = 5  # words of an answer
_ASKED = 5  # words of a question at least
_DROPPED = 0.15  # of the words of a question
_FRONTED = 0.6  # of the questions: they begin with the question word
_LEFT = 20  # words of a passage at least that is left without the sentence
_UNANSWERED = 0.35  # of the rows: half without the sentence, half asked about something else


def cloze_rows(chosen: DomainSet, index: Index, most: int, seed: int = 0) -> list[Row]:
    """Up to `most` rows from the documents of no test or dev question, evenly over their passages."""
    kept = {asked.source for split in ("dev", "test") for asked in chosen.questions[split]}
    chunks = [
        chunk for one in chosen.documents if one.source not in kept for chunk in index.chunks(one.source)
    ]
    rng = random.Random(seed)
    rng.shuffle(chunks)
    if not chunks:
        return []
    each = -(-most // len(chunks))
    return [row for chunk in chunks for row in _rows(chunk, each, rng)][:most]


def _rows(chunk: Chunk, each: int, rng: random.Random) -> Iterator[Row]:
    sentences = [
        (start, end)
        for start, end in sentence_spans(chunk.text)
        if _LEAST <= len(_WORD.findall(chunk.text, start, end)) <= _MOST
    ]
    rng.shuffle(sentences)
    for start, end in sentences[:each]:
        spans = list(_askable(chunk.text, start, end))
        if spans:
            row = _row(chunk, (start, end), rng.choice(spans), rng)
            if len(row["question"].split()) >= _ASKED:
                yield row


def _askable(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Names, numbers and runs of content words."""
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(text, start, end):
        apart = bool(run) and text[run[-1].end() : match.start()].strip() != ""
        if run and (apart or match.group().lower() in _FUNCTION):
            yield from _run(run)
            run = []
        if match.group().lower() not in _FUNCTION:
            run.append(match)
    yield from _run(run)


def _run(run: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
    if run and len(run) <= _SPAN and len(run[0].group()) + len(run) > 3:
        yield run[0].start(), run[-1].end()


def _row(chunk: Chunk, sentence: tuple[int, int], span: tuple[int, int], rng: random.Random) -> Row:
    answer = chunk.text[slice(*span)]
    before, after = chunk.text[sentence[0] : span[0]], chunk.text[span[1] : sentence[1]]
    question = _question(before, answer, after, rng)
    asked = Asked(id=f"cloze-{chunk.source}-{span[0]}", text=question, source=chunk.source, golds=(answer,))
    answered = row_of(asked, chunk, span)
    if rng.random() >= _UNANSWERED:
        return answered
    unanswered = {**answered, "answers": []}
    if rng.random() < 0.5 and (other := _elsewhere(question, chunk.text, sentence, rng)):
        return {**unanswered, "question": other}
    rest = answered["context"].replace(chunk.text[slice(*sentence)], "")
    return {**unanswered, "context": rest} if len(_WORD.findall(rest)) >= _LEFT else answered


def _question(before: str, answer: str, after: str, rng: random.Random) -> str:
    """The clause around the answer, some of its words left out, with a question word in its place or in front."""
    before = _CLAUSE.split(before)[-1] if rng.random() < 0.5 else before
    after = _CLAUSE.split(after)[0] if rng.random() < 0.5 else after
    first, last = (
        [word for word in _WORD.findall(part) if rng.random() >= _DROPPED] for part in (before, after)
    )
    wanted = _asks_for(answer, rng)
    words = [wanted, *first, *last] if rng.random() < _FRONTED else [*first, wanted, *last]
    return " ".join(words).strip() + "?"


def _asks_for(answer: str, rng: random.Random) -> str:
    if _YEAR.fullmatch(answer):
        return rng.choice(("when", "in what year", "what year"))
    if answer[0].isdigit():
        return rng.choice(("how many", "how much", "what"))
    if answer[0].isupper():
        return rng.choice(("who", "what", "which", "where"))
    return rng.choice(("what", "which", "what kind of", "how"))


def _elsewhere(question: str, text: str, sentence: tuple[int, int], rng: random.Random) -> str | None:
    """The question with a name or number of it exchanged for another of the passage: nothing answers it then."""
    names = [word for word in _WORD.findall(question)[1:] if word[0].isupper() or word[0].isdigit()]
    rest = _WORD.findall(text[: sentence[0]] + text[sentence[1] :])
    others = [
        word
        for word in rest
        if (word[0].isupper() or word[0].isdigit()) and word not in question and word.lower() not in _FUNCTION
    ]
    if not names or not others:
        return None
    name = rng.choice(names)
    alike = [word for word in others if word[0].isdigit() == name[0].isdigit()]
    return question.replace(name, rng.choice(alike), 1) if alike else None
