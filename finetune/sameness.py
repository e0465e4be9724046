"""When two rows say the same: by their letters, by their wording, or nearly. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from finetune.schema import Example

_MARKS = re.compile(r"""(?<!\d)[.,:]|[.,:](?!\d)|[;!?…"'“”‘’«»、。，；：！？·—–()\[\]（）【】《》]""")
_WORDS = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W_\u2e80-\u9fff\uac00-\ud7af]+")
_SHINGLE = 3  # words, or Chinese characters, taken together
_MOST_COMPARED = 2000  # candidates for one text: where more share its rarest words they are of one mould
NEAR = 0.8  # share of shingles in common, of all that either has


def asked(example: Example) -> str:
    """What the model is given: every turn before the last answer, or the text."""
    alone = bool(example.messages) and example.messages[-1]["role"] == "user"  # a prompt without an answer
    turns = example.messages if example.chosen or alone else example.messages[:-1]
    if example.context:
        return f"{example.question}\n{example.context}"
    if example.positives:
        return example.question
    return "\n".join(turn["content"] for turn in turns) or example.text


def answered(example: Example) -> str:
    """What it has to say: the last answer, the label, or the better of two answers."""
    if example.chosen:
        return "\n".join(turn["content"] for turn in example.chosen)
    if example.context:
        return "\n".join(example.context[start:end] for start, end in example.answers)
    if example.positives:
        return "\n".join(example.positives)
    if example.messages and example.messages[-1]["role"] != "user":
        thumb = "" if example.thumb is None else f"\n{example.thumb}"
        return example.messages[-1]["content"] + thumb
    return example.label or ""


def passed_over(example: Example) -> str:
    """The worse of two answers, or the passages that answer nothing; empty where there are none."""
    return "\n".join([*(turn["content"] for turn in example.rejected), *example.negatives])


def normalised(text: str) -> str:
    """Without case, marks of punctuation and widths of spaces and letters; numbers stay what they are."""
    flat = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_MARKS.sub(" ", flat).split())


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+", text))


class NearIndex:
    """Texts in which those nearly equal to another are found: Jaccard similarity of shingles, exact.

    Only the rarest shingles of a text are indexed: two texts with NEAR in common must share one of them
    (prefix filtering: Chaudhuri and others, ICDE 2006). Texts whose numbers differ are not near each other.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._sets = [_shingles(text) for text in texts]
        self._numbers = [numbers(text) for text in texts]
        self._frequency = Counter(shingle for one in self._sets for shingle in one)
        self._places: dict[int, list[int]] = {}
        for at, shingles in enumerate(self._sets):
            for shingle in self._rarest(shingles):
                self._places.setdefault(shingle, []).append(at)

    def _rarest(self, shingles: frozenset[int]) -> list[int]:
        count = len(shingles) - math.ceil(NEAR * len(shingles)) + 1
        return sorted(shingles, key=lambda shingle: (self._frequency[shingle], shingle))[:count]

    def near(self, text: str) -> Iterator[int]:
        """Places of texts that are nearly the same, in order."""
        return self._near(_shingles(text), numbers(text))

    def near_to(self, place: int) -> Iterator[int]:
        """Places nearly the same as the text at `place`, itself among them."""
        return self._near(self._sets[place], self._numbers[place])

    def _near(self, shingles: frozenset[int], its_numbers: Counter[str]) -> Iterator[int]:
        if not shingles:
            return
        found = {at for shingle in self._rarest(shingles) for at in self._places.get(shingle, ())}
        for at in sorted(found)[:_MOST_COMPARED]:
            other = self._sets[at]
            if its_numbers != self._numbers[at]:
                continue
            both = len(shingles & other)
            if both >= NEAR * (len(shingles) + len(other) - both):
                yield at


def _shingles(text: str) -> frozenset[int]:
    words = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
    return frozenset(
        zlib.crc32(" ".join(words[at : at + _SHINGLE]).encode())
        for at in range(max(0, len(words) - _SHINGLE + 1))
    )


def grouped(keys: Iterable[str]) -> dict[str, list[int]]:
    """Places of each key."""
    places: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        places.setdefault(key, []).append(at)
    return places
