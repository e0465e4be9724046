"""Logits where something is learned, and nowhere else, give the loss and the gradients of all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.collate import Collator
from finetune.learned_logits import at_learned, takes_places
from finetune.packing import packed
from finetune.template import IGNORED

ROWS = [(12, 8), (7, 2), (20, 19), (5, 1), (15, 14)]  # tokens, those of the question


def model(kind: str) -> Any:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    more = {"num_key_value_heads": 2, "head_dim": 8} if kind not in ("gpt2", "opt", "bloom") else {}
    more |= {"ffn_dim": 64, "word_embed_proj_dim": 32} if kind == "opt" else {}
    config = AutoConfig.for_model(kind, **shape, **more, vocab_size=80, pad_token_id=0)
    return AutoModelForCausalLM.from_config(config).eval()


def rows() -> list[dict[str, list[int]]]:
    draw = torch.Generator().manual_seed(1)
    ids = [torch.randint(3, 80, (size,), generator=draw).tolist() for size, _ in ROWS]
    return [
        {"input_ids": one, "labels": [IGNORED] * asked + one[asked:]}
        for one, (_, asked) in zip(ids, ROWS, strict=True)
    ]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "mistral", "gpt2", "gemma2", "phi3"])
@pytest.mark.parametrize("together", [False, True], ids=["padded", "packed"])
def test_loss_and_gradients_are_those_of_all_logits(kind: str, together: bool) -> None:
    tried = model(kind)
    assert takes_places(tried)
    batch = Collator(0)(packed(rows(), 32) if together else rows())
    found = []
    for inputs in (batch, at_learned(batch)):
        tried.zero_grad()
        loss = tried(**inputs, use_cache=False).loss
        loss.backward()
        found.append((loss.item(), [weight.grad.clone() for weight in tried.parameters()]))
    (plain, slopes), (placed, same) = found
    assert placed == pytest.approx(plain, abs=1e-6)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(slopes, same, strict=True))
    count = int((batch["labels"][:, 1:] != IGNORED).sum())
    assert tried(**at_learned(batch), use_cache=False).logits.shape == (count, 80)


def test_a_batch_in_which_nothing_is_learned_stays_as_it_is() -> None:
    batch = Collator(0)([{"input_ids": [3, 4], "labels": [IGNORED, IGNORED]}])
    assert at_learned(batch) is batch


class Deaf(torch.nn.Module):
    """A model that takes any argument and heeds few, as some written elsewhere do."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def get_input_embeddings(self) -> Any:
        return self.inner.get_input_embeddings()

    def forward(self, input_ids: Any, attention_mask: Any, labels: Any, **unheeded: Any) -> Any:
        return self.inner(input_ids=input_ids, attention_mask=attention_mask, labels=labels)


def test_a_model_that_does_not_heed_the_places_is_found_out() -> None:
    assert not takes_places(Deaf(model("llama")))
