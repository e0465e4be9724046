"""Sampled answers of a model in the small world: their points, and how far they are from those of the SFT adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alignment_world import MOST, Asked, turns
from numpy.typing import NDArray

from finetune import load_generator
from finetune.template import encode, render

ROOM = 48  # tokens of an answer; the longest of the world has 27
RESAMPLES = 10_000
Points = NDArray[np.int64]  # prompts × samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """`count` answers to each question, in order: tokens with the end where it was written, texts, points."""

    prompts: list[list[int]]
    tokens: list[list[int]]
    texts: list[str]
    points: Points


def load(model: Path, adapter: Path) -> Any:
    return load_generator(str(model), adapter, max_new_tokens=ROOM)


def sample(generator: Any, asked: Sequence[Asked], count: int, seed: int, size: int = 256) -> Sampled:
    """Drawn at temperature 1 from all tokens, `size` answers at a time."""
    tokenizer, stops = generator.tokenizer, sorted(generator.stops)
    prompts = [
        encode(tokenizer, render(tokenizer, turns(one.question), answering=True))
        for one in asked
        for _ in range(count)
    ]
    torch.manual_seed(seed)
    tokens: list[list[int]] = []
    for at in range(0, len(prompts), size):
        ids, mask = _padded(prompts[at : at + size], tokenizer.pad_token_id, left=True)
        with torch.inference_mode():
            written = generator.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=ROOM, do_sample=True, temperature=1.0, top_k=0,
                top_p=1.0, eos_token_id=stops, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
        tokens += [_ended(row, stops) for row in written[:, ids.shape[1] :].tolist()]
    texts = [str(tokenizer.decode(row, skip_special_tokens=True)) for row in tokens]
    points = [asked[at // count].points(text) for at, text in enumerate(texts)]
    return Sampled(
        prompts=prompts, tokens=tokens, texts=texts, points=np.array(points).reshape(len(asked), count)
    )


def _ended(row: list[int], stops: Sequence[int]) -> list[int]:
    end = next((at for at, token in enumerate(row) if token in stops), len(row) - 1)
    return row[: end + 1]


def _padded(rows: Sequence[list[int]], pad: int, *, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    blank = [[pad] * (width - len(row)) for row in rows]
    none = [[0] * len(part) for part in blank]
    ids = [part + row if left else row + part for part, row in zip(blank, rows, strict=True)]
    mask = [
        gap + [1] * len(row) if left else [1] * len(row) + gap for gap, row in zip(none, rows, strict=True)
    ]
    return torch.tensor(ids), torch.tensor(mask)


def kl(tuned: Any, start: Any, sampled: Sampled) -> tuple[float, float]:
    """Mean of log p(tuned) - log p(start) over the tuned model's own answers, in nats, and its standard error."""
    apart = _log_probs(tuned, sampled) - _log_probs(start, sampled)
    return float(apart.mean()), float(apart.std(ddof=1) / len(apart) ** 0.5)


def _log_probs(generator: Any, sampled: Sampled, size: int = 256) -> NDArray[np.float64]:
    """Of each whole answer, its end included."""
    found = []
    for at in range(0, len(sampled.tokens), size):
        prompts, answers = sampled.prompts[at : at + size], sampled.tokens[at : at + size]
        rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
        ids, mask = _padded(rows, generator.tokenizer.pad_token_id, left=False)
        with torch.inference_mode():
            logits = generator.model(input_ids=ids, attention_mask=mask).logits[:, :-1].double()
        said = torch.log_softmax(logits, -1).gather(2, ids[:, 1:, None])[..., 0]
        for row, prompt, answer in zip(said, prompts, answers, strict=True):
            found.append(float(row[len(prompt) - 1 : len(prompt) - 1 + len(answer)].sum()))
    return np.array(found)


def win_rate(tuned: Points, start: Points, seed: int = 0) -> dict[str, float]:
    """Every tuned answer against every SFT answer to its prompt, ties half; the interval draws prompts."""
    apart = tuned[:, :, None] - start[:, None, :]
    of_prompts = ((apart > 0) + 0.5 * (apart == 0)).mean((1, 2))
    drawn = np.random.default_rng(seed).integers(0, len(of_prompts), (RESAMPLES, len(of_prompts)))
    low, high = np.quantile(of_prompts[drawn].mean(1), (0.025, 0.975))
    return {"win": float(of_prompts.mean()), "low": float(low), "high": float(high)}


def summary(points: Points) -> dict[str, float]:
    """Mean points, the share of right facts in well-formed answers, and of answers that earn everything."""
    return {
        "points": float(points.mean()),
        "right": float((points > 0).mean()),
        "best": float((points == MOST).mean()),
    }
