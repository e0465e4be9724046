"""Answers sampled from the policy as it is: temperature 1 and every token possible, so that their log-probabilities
are those of the distribution that they were drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from finetune.oom import in_batches
from finetune.told import Say

Tokens = list[int]

# Whatever a model's generation_config.json says for answering, none of it may bend the distribution.
UNBENT: dict[str, Any] = {
    "do_sample": True,
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": None,
    "top_h": None,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "bad_words_ids": None,
    "min_length": 0,
    "min_new_tokens": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "sequence_bias": None,
    "guidance_scale": None,
    "exponential_decay_length_penalty": None,
    "num_beams": 1,
    "num_return_sequences": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Prompts and what was sampled for each, in tokens; the token that ends an answer is its last."""

    prompts: list[Tokens]
    answers: list[Tokens]
    ended: list[bool]  # False where the tokens ran out first

    def __len__(self) -> int:
        return len(self.answers)


@dataclass(slots=True, kw_only=True)
class Sampler:
    """What sampling needs beside the model: the tokens that end an answer, the most that it may have, and how many are
    written at a time, which becomes less where memory runs out."""

    stops: frozenset[int]
    pad_token_id: int
    most_tokens: int
    at_once: int
    # Soft prompts stand before the padding, whose width would then move the text away from them.
    equal_lengths: bool = False

    def sample(self, model: Any, prompts: Sequence[Tokens], say: Say) -> Answers:
        """An answer to each prompt. Raises MemoryTooSmall where not even one at a time can be written."""
        order = range(len(prompts))
        groups: list[list[int]] = [list(order)]
        if self.equal_lengths:
            by_length = sorted(order, key=lambda at: len(prompts[at]))
            groups = [list(run) for _, run in groupby(by_length, key=lambda at: len(prompts[at]))]
        found: dict[int, Tokens] = {}
        for group in groups:
            asked, write = [prompts[at] for at in group], self._writer(model)
            said = in_batches(asked, self.at_once, write, say, stage="sampling", shrunk=self._shrink)
            found.update(zip(group, said, strict=True))
        answers = [found[at] for at in order]
        ended = [answer[-1] in self.stops for answer in answers]
        return Answers(prompts=list(prompts), answers=answers, ended=ended)

    def _shrink(self, rows: int) -> None:
        self.at_once = rows

    def _writer(self, model: Any) -> Callable[[Sequence[Tokens]], list[Tokens]]:
        def write(prompts: Sequence[Tokens]) -> list[Tokens]:
            width, device = max(map(len, prompts)), model.device
            # On the left: an answer goes on where its prompt ends.
            ids = [[self.pad_token_id] * (width - len(row)) + row for row in prompts]
            mask = [[0] * (width - len(row)) + [1] * len(row) for row in prompts]
            with torch.no_grad():
                written = model.generate(
                    input_ids=torch.tensor(ids, device=device),
                    attention_mask=torch.tensor(mask, device=device),
                    max_new_tokens=self.most_tokens,
                    eos_token_id=sorted(self.stops),
                    pad_token_id=self.pad_token_id,
                    **UNBENT,
                )
            return [self._cut(answer) for answer in written[:, width:].tolist()]

        return write

    def _cut(self, answer: Tokens) -> Tokens:
        """Up to the token that ends it, that one included; what comes after is padding."""
        end = next((at for at, token in enumerate(answer) if token in self.stops), len(answer) - 1)
        return answer[: end + 1]
