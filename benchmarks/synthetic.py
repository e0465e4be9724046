"""Documents, questions and vectors by formula, as many as are asked for; equal numbers give equal ones."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rag import Document
from rag.encoders import Vectors

DIMENSION = 384  # MiniLM's
CHUNKS_PER_DOCUMENT = 10
_SENTENCES, _WORDS = 8, 12  # of a chunk, of a sentence
CHUNK_TOKENS = _SENTENCES * _WORDS
_TOPICS = 2_000
_VOCABULARY = 60_000
_SYLLABLES = [
    first + last for first in "bcdfghjklmnprstvz" for last in ("a", "e", "i", "o", "u", "an", "er", "il")
]


class SyntheticEmbedder:
    """A topic's centre, drawn from the topic that the text names, and noise drawn from the text's checksum."""

    name = "synthetic"
    weight_hash = "5" * 64
    max_tokens = 256
    dimension = DIMENSION

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self._centres = rng.standard_normal((_TOPICS, DIMENSION), dtype=np.float32)
        self._noise = rng.standard_normal((4096, DIMENSION), dtype=np.float32)

    def embed(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        sums = np.asarray([zlib.crc32(text.encode()) for text in texts], dtype=np.int64)
        topics = np.asarray([topic_of(text) for text in texts], dtype=np.int64)
        noise = self._noise[sums % 4096] + self._noise[(sums >> 12) % 4096] + self._noise[(sums >> 20) % 4096]
        vectors = self._centres[topics] + 0.7 * noise
        if progress is not None:
            progress(len(texts), len(texts))
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def count_tokens(self, text: str) -> int:
        return text.count(" ") + 1

    def unknown_share(self, text: str) -> float:
        return 0.0


def topic_of(text: str) -> int:
    """The number in the first word that begins with "topic"."""
    _, _, rest = text.partition("opic")  # "Topic" begins a sentence
    digits = rest[:4]
    return int(digits) % _TOPICS if len(digits) == 4 and digits.isdigit() else 0


def documents(chunks: int, version: int = 0, changed: int = 0) -> Iterator[Document]:
    """`chunks` chunks in documents of ten; the first `changed` documents have other words in each `version`."""
    words = vocabulary()
    for number in range(chunks // CHUNKS_PER_DOCUMENT):
        seed = [number, version if number < changed else 0]
        yield Document(source=f"{number:07d}.txt", text=_text(words, np.random.default_rng(seed)))


def chunk_texts(chunks: int) -> list[str]:
    """The same texts as pieces, for programs that are given chunks."""
    found = []
    for document in documents(chunks):
        sentences = document.text.split("\n")
        found += [
            "\n".join(sentences[start : start + _SENTENCES]) for start in range(0, len(sentences), _SENTENCES)
        ]
    return found


def questions(count: int) -> list[str]:
    """A topic and four words each, common and rare."""
    words, rng = vocabulary(), np.random.default_rng(11)
    return [
        " ".join([f"topic{rng.integers(_TOPICS):04d}", *(words[place] for place in _places(rng, 4))])
        for _ in range(count)
    ]


def vocabulary() -> list[str]:
    """Words of two to four syllables, the most frequent first."""
    rng = np.random.default_rng(3)
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        length = 2 + int(rng.integers(3))
        found["".join(_SYLLABLES[place] for place in rng.integers(len(_SYLLABLES), size=length))] = None
    return list(found)


def _text(words: Sequence[str], rng: np.random.Generator) -> str:
    """Sentences that all name the document's topic, a line each."""
    topic = f"topic{rng.integers(_TOPICS):04d}"
    places = _places(rng, CHUNKS_PER_DOCUMENT * _SENTENCES * (_WORDS - 1))
    lines = (
        " ".join([topic, *(words[place] for place in places[start : start + _WORDS - 1])]).capitalize() + "."
        for start in range(0, len(places), _WORDS - 1)
    )
    return "\n".join(lines)


def _places(rng: np.random.Generator, count: int) -> list[int]:
    """Word numbers whose frequency falls as 1 / rank, as in real text."""
    found: list[int] = (np.exp(rng.random(count) * np.log(_VOCABULARY)).astype(np.int64) - 1).tolist()
    return found
