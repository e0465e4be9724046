"""Questions with their passages in the tokens that a reader learns from; a long passage in overlapping windows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.classify_rows import load_tokenizer
from finetune.defaults import defaults
from finetune.objectives import Encoded
from finetune.packing import Row
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, TokenRow
from finetune.weights import context_tokens

__all__ = [
    "Window",
    "encode",
    "load_tokenizer",
    "longest",
    "longest_answer",
    "sequences",
    "usable",
    "windows_of",
]

NONE = "no answer"
TOGETHER = 1000  # rows that the tokenizer is given at a time


@dataclass(frozen=True, slots=True)
class Window:
    """A question with as much of its passage as fits."""

    input_ids: list[int]
    segments: list[int] | None  # 0 for the question, 1 for the passage, where the model tells them apart
    first: int  # the passage's first token in the window
    starts: array[int]  # of the passage's tokens, the characters where they begin and end
    ends: array[int]

    def tokens_of(self, answer: tuple[int, int]) -> tuple[int, int]:
        """The tokens that an answer's characters begin and end in; (0, 0) where it is not wholly in the window."""
        start, end = answer
        tokens = enumerate(zip(self.starts, self.ends, strict=True))
        inside = [at for at, (first, last) in tokens if first < end and last > start and last > first]
        if not inside or self.starts[inside[0]] > start or self.ends[inside[-1]] < end:
            return (0, 0)
        return (self.first + inside[0], self.first + inside[-1])

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Where in the passage the tokens `first` to `last` of the window stand."""
        return self.starts[first - self.first], self.ends[last - self.first]


def usable(example: Example) -> bool:
    return bool(example.question and example.context)


def longest(config: TrainConfig, folder: Path) -> int:
    """Tokens of a window, question included; a longer passage is read in several."""
    context = context_tokens(folder) or config.max_length
    return min(config.max_length, context, int(defaults()["span_qa"]["window"]))


def longest_answer(config: TrainConfig) -> int:
    """Tokens of an answer at most: a setting, because sections of a page are longer than names and dates."""
    return config.answer_tokens or int(defaults()["span_qa"]["answer_tokens"])


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    length = longest(config, folder)
    pairs = [(row.question, row.context) for row in examples]
    found = []
    for example, (windows, lost) in zip(examples, windows_of(pairs, length, tokenizer), strict=True):
        answers = example.answers
        rows = tuple(_token_row(window, answers, 0 if at else lost) for at, window in enumerate(windows))
        wanted = example.context[slice(*answers[0])] if answers else NONE
        found.append(Encoded(line=example.line, rows=rows, target=wanted, windows=windows, example=example))
    return found


def _token_row(window: Window, answers: Sequence[tuple[int, int]], lost: int) -> TokenRow:
    labels = [IGNORED] * len(window.input_ids)
    first, last = _taught(window, answers)
    if last:
        labels[first : last + 1] = window.input_ids[first : last + 1]
    return TokenRow(input_ids=window.input_ids, labels=labels, lost=lost)


def _taught(window: Window, answers: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Of several answers, each of which is right, the first that stands in the window."""
    return next((at for answer in answers if (at := window.tokens_of(answer))[1]), (0, 0))


def windows_of(
    pairs: Sequence[tuple[str, str]], length: int, tokenizer: Any
) -> list[tuple[tuple[Window, ...], int]]:
    """For each question and passage its windows of `length` tokens, and how many tokens of the question were cut:
    it may fill a third of a window."""
    found: list[tuple[tuple[Window, ...], int]] = []
    room = length // 3
    for at in range(0, len(pairs), TOGETHER):
        some = pairs[at : at + TOGETHER]
        questions, lost = _shortened([question for question, _ in some], room, tokenizer)
        divided = _divided(questions, [passage for _, passage in some], length, tokenizer)
        found += [(tuple(windows), cut) for windows, cut in zip(divided, lost, strict=True)]
    return found


def _shortened(questions: list[str], room: int, tokenizer: Any) -> tuple[list[str], list[int]]:
    read = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    texts, lost = [], []
    for question, offsets in zip(questions, read["offset_mapping"], strict=True):
        over = max(0, len(offsets) - room)
        texts.append(question[: offsets[room - 1][1]] if over else question)
        lost.append(over)
    return texts, lost


def _divided(questions: list[str], passages: list[str], length: int, tokenizer: Any) -> list[list[Window]]:
    share = float(defaults()["span_qa"]["overlap"])
    left = (
        length - length // 3 - tokenizer.num_special_tokens_to_add(pair=True)
    )  # beside the longest question
    read = tokenizer(
        questions,
        passages,
        truncation="only_second",
        max_length=length,
        stride=max(0, min(int(share * length), left - 1)),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    found: list[list[Window]] = [[] for _ in questions]
    for at, row in enumerate(read["overflow_to_sample_mapping"]):
        inside = [place for place, side in enumerate(read.sequence_ids(at)) if side == 1]
        offsets = read["offset_mapping"][at]
        found[row].append(
            Window(
                input_ids=read["input_ids"][at],
                segments=read["token_type_ids"][at] if "token_type_ids" in read else None,
                first=inside[0] if inside else 1,
                starts=array("i", [offsets[place][0] for place in inside]),
                ends=array("i", [offsets[place][1] for place in inside]),
            )
        )
    return found


def sequences(
    train: Sequence[Encoded], held_out: Sequence[Encoded], config: TrainConfig, folder: Path
) -> tuple[list[Row], list[Row]]:
    return _rows(train), _rows(held_out)


def _rows(encoded: Sequence[Encoded]) -> list[Any]:
    """One for each window: a passage's other windows teach that there is no answer in them."""
    return [
        {
            "input_ids": window.input_ids,
            "positions": _taught(window, one.example.answers if one.example else ()),
            "window": window,
            "example": one.example,
        }
        for one in encoded
        for window in one.windows
    ]
