"""Counts what a WordPiece vocabulary lacks to read texts: characters, as a word begins with them or goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BATCH = 1000  # texts that are tokenised together: bounds the memory that this takes


def count_unknown(tokenizer: Any, texts: Sequence[str]) -> tuple[int, int, Counter[str]]:
    """Tokens of all texts, the unknown ones among them, and the words behind those, as the tokenizer reads them.

    `tokenizer` is one of the library `tokenizers`, without truncation and padding.
    """
    unknown_id, total, words = tokenizer.token_to_id(tokenizer.model.unk_token), 0, Counter[str]()
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        for text, read in zip(batch, tokenizer.encode_batch(batch, add_special_tokens=False), strict=True):
            total += len(read.ids)
            words.update(_words_behind(text, read, unknown_id))
    return total, sum(words.values()), Counter(_normalised(tokenizer, words))


def _words_behind(text: str, read: Any, unknown_id: int) -> Iterator[str]:
    for number, (start, end) in zip(read.ids, read.offsets, strict=True):
        if number == unknown_id:
            yield text[start:end]


def _normalised(tokenizer: Any, words: Mapping[str, int]) -> Counter[str]:
    """Without accents and capitals where the tokenizer takes them away, so that counts are of what it looks up."""
    found = Counter[str]()
    for word, count in words.items():
        plain = tokenizer.normalizer.normalize_str(word) if tokenizer.normalizer is not None else word
        found[plain.strip()] += count
    return found


def missing_pieces(words: Mapping[str, int], known: Mapping[str, int], prefix: str = "##") -> Counter[str]:
    """Pieces that make every word readable, and how often each stands in the words.

    Single characters alone: a longer piece would win over the pieces by which other words are read now, and they would
    be read otherwise than the model learned them. Chinese is cut into single characters before it is looked up.
    """
    counts = Counter[str]()
    for word, count in words.items():
        for place, character in enumerate(word):
            counts[character if place == 0 else prefix + character] += count
    return Counter({piece: count for piece, count in counts.items() if piece not in known})


def commonest(counts: Mapping[str, int], size: int | None, fewest: int) -> list[str]:
    """At most `size` pieces seen `fewest` times or more; of equally common ones the first by code point."""
    enough = [piece for piece, count in counts.items() if count >= fewest]
    return sorted(enough, key=lambda piece: (-counts[piece], piece))[:size]
