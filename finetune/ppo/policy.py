"""How likely a model finds the tokens of given answers, and what its value head says before each of them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from finetune.ppo.rollout import Answers
from finetune.ppo.value_head import ValueHead, last_states


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Of each answer's tokens (answers × tokens, zeros on padding): log-probability, entropy of the distribution that
    the token was drawn from, and the value of the text before it."""

    log_probs: Tensor
    entropy: Tensor
    values: Tensor
    mask: Tensor

    def single(self) -> list[Said]:
        """Each answer by itself."""
        tables = [getattr(self, name).split(1) for name in self.__slots__]
        return [Said(**dict(zip(self.__slots__, row, strict=True))) for row in zip(*tables, strict=True)]


def said(model: Any, answers: Answers, pad_token_id: int, head: ValueHead | None = None) -> Said:
    """One forward pass. Rows are padded on the right, where neither positions nor attention notice it."""
    device = model.device
    starts = torch.tensor([len(row) for row in answers.prompts], device=device)
    lengths = torch.tensor([len(row) for row in answers.answers], device=device)
    rows = [prompt + answer for prompt, answer in zip(answers.prompts, answers.answers, strict=True)]
    width = max(map(len, rows))
    ids = torch.tensor([row + [pad_token_id] * (width - len(row)) for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    # Logits of the prompts' inside are needed by nobody: with a large vocabulary they are most of the memory.
    kept = width - min(map(len, answers.prompts)) + 1
    with last_states(model) as states:
        logits = _logits(model, ids, mask, kept)
    before = slice(
        -kept, -1
    )  # soft prompts put positions of their own before the row's: counted from the end
    likely, entropy = _token_scores(logits[:, before], ids[:, width - kept + 1 :])
    at, inside = _places(starts - (width - kept) - 1, lengths)
    values = torch.zeros_like(likely) if head is None else head(states[-1][:, before])
    return Said(
        log_probs=likely.gather(1, at) * inside,
        entropy=entropy.gather(1, at) * inside,
        values=values.gather(1, at) * inside,
        mask=inside,
    )


def _logits(model: Any, ids: Tensor, mask: Tensor, kept: int) -> Tensor:
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    few = (
        {"logits_to_keep": kept}
        if "logits_to_keep" in inspect.signature(type(whole).forward).parameters
        else {}
    )
    logits: Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False, **few).logits
    return logits


def _token_scores(logits: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability of each token, with a gradient, and the entropy of its distribution, without one."""
    wide = logits.float()
    likely = wide.gather(-1, tokens[..., None]).squeeze(-1) - wide.logsumexp(-1)
    with torch.no_grad():
        entropy = torch.stack(
            [_entropy(row) for row in wide]
        )  # row by row: the table is as large as the logits
    return likely, entropy


def _entropy(logits: Tensor) -> Tensor:
    likely = logits.log_softmax(-1)
    return -(likely.exp() * likely).sum(-1)


def _places(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Where each answer's tokens stand among the columns, and which of the places are answer and not padding."""
    steps = torch.arange(int(lengths.max()), device=starts.device)
    inside = steps[None, :] < lengths[:, None]
    at = starts[:, None] + steps[None, :]
    return torch.where(inside, at, 0), inside.float()
