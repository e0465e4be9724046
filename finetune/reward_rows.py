"""Judged answers in the tokens that a reward model reads: of a causal model its own layout, of an encoder question and
answer with a mark between.

What is too long loses the beginning, of the question first: the answer is what is judged, in training and at work.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import classify_rows, preference_rows
from finetune.methods.refusals import writes_no_text
from finetune.objectives import Encoded, sft
from finetune.preference_rows import PAIR, endings
from finetune.schema import Example, TrainConfig
from finetune.template import IGNORED, Messages, TokenRow, encode_row, stops_in
from finetune.weights import model_config


def is_encoder(folder: Path) -> bool:
    return writes_no_text(model_config(folder)) is not None


def load_tokenizer(folder: Path, examples: Sequence[Example], *, base: Path | None = None) -> Any:
    """The tokenizer in `folder`, as the model in `base` (by default there too) is read with."""
    source: Any = classify_rows if is_encoder(base or folder) else preference_rows
    return source.load_tokenizer(folder, examples)


def longest(config: TrainConfig, folder: Path) -> int:
    return classify_rows.longest(config, folder) if is_encoder(folder) else sft.longest(config, folder)


def encode(examples: Sequence[Example], config: TrainConfig, folder: Path, tokenizer: Any) -> list[Encoded]:
    """Each pair as two rows; raises ValueError naming the line that a template refuses, unless that is allowed."""
    reader, found = Reader(folder, tokenizer, longest(config, folder)), []
    for example in examples:
        try:
            both = tuple(reader((*example.messages, *end)) for end in endings(example))
        except ValueError as error:
            if "refused" in config.allow:
                continue
            raise ValueError(f"Row at line {example.line}: {error}") from None
        found.append(Encoded(line=example.line, rows=both, sides=PAIR))
    return found


class Reader:
    """Makes the row of a conversation that ends with an answer; the answer's tokens are its labels."""

    def __init__(self, folder: Path, tokenizer: Any, length: int) -> None:
        self._tokenizer = tokenizer
        self._length = length
        self._stops = None if is_encoder(folder) else stops_in(folder, tokenizer)

    def __call__(self, turns: Messages) -> TokenRow:
        if self._stops is None:
            return self._marked(turns)
        if len(turns) < 2:
            raise ValueError("the answer has no question before it; add a column 'prompt'.")
        row = encode_row(self._tokenizer, turns, 10**9, self._stops)
        return self._kept(row.input_ids, row.labels)

    def _marked(self, turns: Messages) -> TokenRow:
        """[CLS] question [SEP] answer [SEP], as far as a tokenizer has these marks."""
        asked = "\n".join(turn["content"] for turn in turns[:-1])
        question, answer = (self._words(text) for text in (asked, turns[-1]["content"]))
        start, end = ([] if mark is None else [mark] for mark in self._marks())
        row = self._kept(
            [*question, *end, *answer],
            [IGNORED] * (len(question) + len(end)) + answer,
            room=self._length - len(start) - len(end),
        )
        return TokenRow(
            input_ids=[*start, *row.input_ids, *end],
            labels=[IGNORED] * len(start) + row.labels + [IGNORED] * len(end),
            lost=row.lost,
        )

    def _marks(self) -> tuple[int | None, int | None]:
        return self._tokenizer.cls_token_id, self._tokenizer.sep_token_id

    def _words(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _kept(self, ids: list[int], labels: list[int], *, room: int | None = None) -> TokenRow:
        room = self._length if room is None else room
        lost = max(0, len(ids) - room)
        return TokenRow(input_ids=ids[lost:], labels=labels[lost:], lost=lost)
