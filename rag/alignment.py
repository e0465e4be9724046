"""How well each word of a question is met in each sentence of a hit: by the same word, by one alike in its context, or
by some of its characters. The last is for Chinese, which the default embedder cannot read.

Words alike are found as ColBERT finds them (late interaction, arXiv 2004.12832): the greatest cosine between a word's
token vectors and those of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.asked import Word
from rag.schema import Chunk
from rag.sentences import Span, sentence_spans
from rag.words import is_chinese, tokenize

TokenVectors = tuple[Any, list[Span]]  # unit vectors (tokens, dimension) and where each token stands

# What a word counts that stands beside the sentence in its passage, heading or title, and a Chinese word of which
# only characters are met. Cosines of MiniLM's tokens below .2 are chance, above .8 the same word or a synonym.
_BESIDE, _BY_CHARACTERS = 0.7, 0.5
_CHANCE, _SAME = 0.2, 0.8
# A few words without a stop, a figure or a cell border: a heading that the loader could not tell as one.
_BARE_WORDS = re.compile(r"[#A-Za-z'’\s-]+")


@dataclass(frozen=True, slots=True)
class Alignment:
    """A hit beside the question. `met` has shape (sentences, words), `held` (words,), `near` (sentences,)."""

    spans: Sequence[Span]  # in the chunk's text
    met: Any  # 0 to 1: 1 for the word itself in the sentence
    held: Any  # 1 for a word that stands in the passage, its heading, title, date or source
    near: (
        Any | None
    )  # cosine of the sentence's mean token vector and the question's; None where it cannot be read


def align(
    words: Sequence[Word], chunk: Chunk, question: TokenVectors | None, passage: TokenVectors | None
) -> Alignment | None:
    """None for a chunk without a sentence that can answer. `passage` holds the vectors of `lead_of(chunk) + text`."""
    spans = _statements(chunk)
    if not spans:
        return None
    around = set(tokenize(surrounding(chunk)))
    met = _met(words, chunk, spans, around)
    near = None
    if question and passage and len(question[0]) and len(passage[0]):
        inside = [
            _inside(passage[1], len(lead_of(chunk)) + start, len(lead_of(chunk)) + end)
            for start, end in spans
        ]
        met = np.maximum(met, _alike(words, question, passage[0], inside))
        near = _nearness(question[0], passage[0], inside)
    return Alignment(spans, met, np.array([float(word.text in around) for word in words]), near)


def lead_of(chunk: Chunk) -> str:
    """What stands before the chunk's text where its meaning is computed: the path of its headings."""
    return f"{chunk.heading}\n" if chunk.heading else ""


def surrounding(chunk: Chunk) -> str:
    """All that names what a sentence of the chunk is about."""
    return f"{headings_of(chunk)}\n{chunk.text}"


def headings_of(chunk: Chunk) -> str:
    known = (chunk.metadata.get("title", ""), chunk.metadata.get("date", ""), chunk.heading, chunk.source)
    return "\n".join(known)


def _statements(chunk: Chunk) -> list[Span]:
    """The sentences that can answer: no headings, and no questions, as those of a FAQ."""
    headings = {part.strip() for part in chunk.heading.split(" > ")}
    spans = sentence_spans(chunk.text)
    return [span for span in spans if _states(chunk.text[slice(*span)], headings)]


def _states(sentence: str, headings: set[str]) -> bool:
    if sentence.endswith(("?", "？")) or sentence.strip("#* ") in headings:
        return False
    return len(sentence.split()) > 4 or not _BARE_WORDS.fullmatch(sentence)


def _met(words: Sequence[Word], chunk: Chunk, spans: Sequence[Span], around: set[str]) -> Any:
    """Shape (sentences, words): 1 for a word of the sentence, less for one beside it or met in part."""
    text = surrounding(chunk)
    beside = [
        _BESIDE * (1.0 if word.text in around else _BY_CHARACTERS * _characters(word.text, text))
        for word in words
    ]
    rows = []
    for start, end in spans:
        sentence = chunk.text[start:end]
        held = set(tokenize(sentence))
        rows.append(
            [
                1.0 if word.text in held else max(least, _BY_CHARACTERS * _characters(word.text, sentence))
                for word, least in zip(words, beside, strict=True)
            ]
        )
    return np.array(rows)


def _characters(word: str, text: str) -> float:
    """Share of a Chinese word's characters that the text holds; 0 for other words, where letters say nothing."""
    return sum(c in text for c in word) / len(word) if is_chinese(word) else 0.0


def _alike(words: Sequence[Word], question: TokenVectors, held: Any, inside: Sequence[Sequence[int]]) -> Any:
    """Shape (sentences, words): how near the nearest word of the sentence, or of its passage, is in meaning."""
    cosines = question[0] @ held.T
    rows = [
        cosines[tokens].mean(0)
        if (tokens := _inside(question[1], word.start, word.end)) and not word.text[0].isdigit()
        else np.zeros(len(held))  # 2025 is not 2026, however near their vectors
        for word in words
    ]
    near = np.clip((np.stack(rows) - _CHANCE) / (_SAME - _CHANCE), 0.0, 1.0)
    beside = _BESIDE * near.max(1)
    return np.stack([np.maximum(near[:, at].max(1), beside) if len(at) else beside for at in inside])


def _nearness(question: Any, held: Any, inside: Sequence[Sequence[int]]) -> Any:
    """Shape (sentences,): mean pooling, as the model was trained, but of tokens that have read the whole passage."""
    asked = question.mean(0)
    asked = asked / max(float(np.linalg.norm(asked)), 1e-9)
    means = np.stack([held[at].mean(0) if len(at) else np.zeros(held.shape[1]) for at in inside])
    return means @ asked / np.maximum(np.linalg.norm(means, axis=1), 1e-9)


def _inside(spans: Sequence[Span], start: int, end: int) -> list[int]:
    return [index for index, span in enumerate(spans) if start <= span[0] and span[1] <= end]
