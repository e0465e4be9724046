"""Rows that share a sequence are learned as if each stood alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.collate import Collator
from finetune.isolation import keeps_rows_apart
from finetune.packing import Row, blocks, computed, packed, parted, snug
from finetune.template import IGNORED

KINDS = ["llama", "qwen2", "mistral", "gpt2", "gemma2", "phi3"]


def row(ids: list[int], prompt: int) -> Row:
    return {"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]}


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_every_row_is_packed_once_and_whole(lengths: list[int]) -> None:
    rows = [row([number] * length, 0) for number, length in enumerate(lengths)]
    sequences = packed(rows, 40)
    stored = sorted(token for sequence in sequences for token in sequence["input_ids"])
    assert stored == sorted(token for one in rows for token in one["input_ids"])
    assert all(len(sequence["input_ids"]) <= 40 for sequence in sequences)
    starts = sum(place == 0 for sequence in sequences for place in sequence["position_ids"])
    assert starts == len(rows)
    # Best fit: no two sequences would fit into one.
    sizes = sorted(len(sequence["input_ids"]) for sequence in sequences)
    assert len(sizes) < 2 or sizes[0] + sizes[1] > 40


@given(st.lists(st.lists(st.integers(3, 9), min_size=1, max_size=30), max_size=12), st.integers(2, 16))
def test_blocks_hold_every_token_in_order_and_all_but_the_last_are_full(
    documents: list[list[int]], size: int
) -> None:
    found = blocks(documents, size)
    assert [token for block in found for token in block["input_ids"]] == [t for d in documents for t in d]
    assert all(len(block["input_ids"]) == size for block in found[:-1])
    for block in found:
        starts = [at for at, place in enumerate(block["position_ids"]) if place == 0]
        assert all((block["labels"][at] == IGNORED) == (at in starts) for at in range(len(block["labels"])))


@given(st.lists(st.integers(2, 90), min_size=1, max_size=12))
def test_the_rows_of_a_batch_share_sequences_whole_and_never_cost_more(lengths: list[int]) -> None:
    rows = [row([number] * length, 1) for number, length in enumerate(lengths)]
    shared = snug(rows)
    assert sorted(parted(shared), key=lambda one: one["input_ids"]) == rows
    assert computed(shared) <= computed(rows)
    assert max(len(one["input_ids"]) for one in shared) <= 1.5 * max(lengths) + 1


def test_a_batch_of_unlike_lengths_loses_most_of_its_padding() -> None:
    rows = [row([4] * size, 1) for size in (200, 30, 35, 90, 45, 20, 110, 60)]
    batch = Collator(0, together=True)(rows)
    assert batch["input_ids"].numel() < 1.1 * sum(len(one["input_ids"]) for one in rows)
    assert batch["labels"][:, 1:].ne(IGNORED).sum() == sum(len(one["input_ids"]) - 1 for one in rows)
    alike = [row([4] * 40, 1), row([5] * 39, 1)]
    assert torch.equal(
        Collator(0, together=True)(alike)["attention_mask"], Collator(0)(alike)["attention_mask"]
    )


def test_a_row_that_only_fills_a_batch_is_left_out_of_shared_sequences() -> None:
    filling: Row = {"input_ids": [3, 4], "labels": [IGNORED, IGNORED]}
    rows = [row([4] * 20, 1), row([5] * 6, 1), filling]
    assert Collator(0, together=True)(rows)["input_ids"].shape == (1, 26)
    assert Collator(0, together=True)([filling])["input_ids"].shape == (1, 2)


@pytest.fixture(scope="module")
def models() -> Callable[[str], Any]:
    def make(kind: str) -> Any:
        torch.manual_seed(0)
        shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        more = {"num_key_value_heads": 2, "head_dim": 8, "vocab_size": 80, "pad_token_id": 0}
        config = AutoConfig.for_model(kind, **shape, **(more if kind != "gpt2" else {"vocab_size": 80}))
        return AutoModelForCausalLM.from_config(config).eval()

    return make


def test_packed_rows_can_be_parted_again() -> None:
    rows = [row([number] * (number + 2), 1) for number in range(1, 9)]
    again = parted(packed(rows, 16))
    assert sorted(again, key=lambda one: one["input_ids"][0]) == rows


@pytest.mark.parametrize(
    ("kind", "apart"), [*((kind, True) for kind in KINDS), ("opt", False), ("bloom", False)]
)
def test_models_that_let_packed_rows_see_each_other_are_found_out(
    kind: str, apart: bool, models: Callable[[str], Any]
) -> None:
    assert keeps_rows_apart(models(kind)) == apart


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_a_packed_batch_is_that_of_its_rows_one_by_one(
    kind: str, models: Callable[[str], Any]
) -> None:
    model = models(kind)
    draw = torch.Generator().manual_seed(1)
    sizes = [(12, 4), (7, 2), (20, 9), (5, 1), (15, 14)]
    rows = [row(torch.randint(3, 80, (size,), generator=draw).tolist(), prompt) for size, prompt in sizes]
    collate = Collator(0)
    with torch.inference_mode():
        unpacked = [model(**collate([one])).loss.item() * (size - prompt)
                    for one, (size, prompt) in zip(rows, sizes, strict=True)]  # fmt: skip
        padded = model(**collate(rows)).loss.item()
        together = model(**collate(packed(rows, 32)), use_cache=False).loss.item()
        snugly = model(**Collator(0, together=True)(rows), use_cache=False).loss.item()
    expected = sum(unpacked) / sum(size - prompt for size, prompt in sizes)
    assert together == pytest.approx(expected, abs=1e-5)
    assert snugly == pytest.approx(expected, abs=1e-5)
    assert padded == pytest.approx(expected, abs=1e-5)
