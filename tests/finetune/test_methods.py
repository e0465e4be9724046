"""Full, LoRA and QLoRA runs from end to end; every other method is in test_methods_pairs.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from finetune import TrainConfig, load_generator, train
from finetune.causal import load_causal
from finetune.methods import load_method
from finetune.schema import Example
from finetune.template import encode, render

QUESTION = [{"role": "user", "content": "What is item 3?"}]


def logits(generator: Any) -> torch.Tensor:
    prompt = encode(generator.tokenizer, render(generator.tokenizer, QUESTION, answering=True))
    with torch.inference_mode():
        scores: torch.Tensor = generator.model(torch.tensor([prompt])).logits
    return scores


@pytest.mark.parametrize(
    ("method", "model"), [("full", "tiny_llama"), ("lora", "tiny_qwen2"), ("qlora", "tiny_llama")]
)
def test_a_few_steps_lower_the_loss_and_the_saved_model_is_the_trained_one(
    method: str, model: str, rows: list[Example], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base = request.getfixturevalue(model)
    settings = TrainConfig(
        model=str(base), out=str(tmp_path / "a"), method=method, max_steps=12, learning_rate=1e-2
    )
    result = train(rows, settings)
    card = result.card
    assert result.losses[-1] < result.losses[0] - 0.2
    assert card.metrics_after["loss"] < card.metrics_before["loss"] - 0.2
    assert (len(result.losses), result.steps, card.rows) == (12, 12, 12)
    first, second = (load_generator(str(base), result.path, max_new_tokens=8) for _ in range(2))
    assert torch.equal(logits(first), logits(second))
    assert not torch.allclose(logits(first), logits(load_generator(str(base))), atol=1e-3)
    assert "".join(first.stream(QUESTION)) == "".join(second.stream(QUESTION))
    # The held-out loss of what was saved is that of what was trained: the adapter is whole.
    again = loss_of(first, rows)
    assert again == pytest.approx(card.metrics_after["loss"], abs=2e-2 if method == "qlora" else 1e-4)


def loss_of(generator: Any, rows: list[Example]) -> float:
    """Mean loss per supervised token of the held-out rows, worked out apart from the trainer."""
    from finetune.template import IGNORED, encode_row

    total, count = 0.0, 0
    for row in rows:
        if row.split == "dev":
            tokens = encode_row(generator.tokenizer, row.messages, 256, generator.stops)
            with torch.inference_mode():
                scores = generator.model(torch.tensor([tokens.input_ids])).logits[0, :-1]
            labels = torch.tensor(tokens.labels[1:])
            kept = labels != IGNORED
            total += float(torch.nn.functional.cross_entropy(scores[kept], labels[kept], reduction="sum"))
            count += int(kept.sum())
    return total / count


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_an_adapter_holds_low_rank_updates_of_every_linear_layer_and_nothing_else(
    method: str, config: Callable[..., TrainConfig], rows: list[Example]
) -> None:
    result = train(rows, config(method=method, lora_rank=4, max_steps=2))
    stored = load_file(Path(result.path) / "adapter_model.safetensors")
    assert all("lora_A" in name or "lora_B" in name for name in stored)
    assert len(stored) == 2 * 7 * 2  # A and B; q k v o gate up down; two layers
    assert sum(weights.numel() for weights in stored.values()) == result.card.trainable_params
    assert any(weights.abs().sum() > 0 for name, weights in stored.items() if "lora_B" in name)


def test_full_moves_every_weight_and_leaves_a_whole_model(
    config: Callable[..., TrainConfig], rows: list[Example], tiny_llama: Path
) -> None:
    result = train(rows, config(method="full"))
    before = load_file(tiny_llama / "model.safetensors")
    after = load_file(Path(result.path) / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert result.card.trainable_params == result.card.total_params
    assert torch.equal(
        logits(load_generator(result.path)), logits(load_generator(str(tiny_llama), result.path))
    )


def test_the_base_is_frozen_under_lora(config: Callable[..., TrainConfig], tiny_llama: Path) -> None:
    model = load_method("lora").attach(load_causal(tiny_llama), config(), task="CAUSAL_LM", head=None)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained and all("lora_" in name for name in trained)


def test_the_base_is_held_in_four_bits_under_qlora(tiny_llama: Path) -> None:
    model = load_causal(tiny_llama, **load_method("qlora").loading())
    weight = model.model.layers[0].mlp.up_proj.weight
    assert weight.dtype == torch.uint8
    assert weight.quant_state.quant_type == "nf4" and weight.quant_state.nested


def test_qlora_without_bitsandbytes_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    method = load_method("qlora")
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(ImportError, match=r"pip install 'llm-adaptation-advisor\[gpu\]'"):
        method.loading()


def test_the_adapter_names_its_base_as_the_person_did(
    config: Callable[..., TrainConfig], rows: list[Example], tiny_llama: Path
) -> None:
    folder = Path(train(rows, config(max_steps=1)).path)
    settings = json.loads((folder / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(tiny_llama)
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt")) + list(folder.glob("README*"))
