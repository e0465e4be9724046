"""Continued pretraining on documents: perplexity on held-out ones falls, and conversations are learned whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from finetune import TrainConfig, load_generator, train
from finetune.causal import load_causal
from finetune.formats import documents_as_examples
from finetune.objectives import load_objective
from finetune.schema import Example
from finetune.template import encode, render

Make = Callable[..., TrainConfig]
TEXTS = [
    f"Document {n}. The refund window is thirty days from delivery. 退款期限为三十天。" for n in range(20)
]


@pytest.fixture
def documents() -> list[Example]:
    return documents_as_examples(TEXTS)


def test_perplexity_on_held_out_documents_falls(config: Make, documents: list[Example]) -> None:
    result = train(
        documents, config(objective="pretrain", max_length=64, max_steps=15, batch_size=2, general="none")
    )
    before, after = result.card.metrics_before, result.card.metrics_after
    assert after["perplexity"] < 0.7 * before["perplexity"]
    assert after["perplexity"] == pytest.approx(math.exp(after["loss"]))
    assert any("18 documents in" in note for note in result.notes)
    base, tuned = (
        load_generator(config().model, adapter, max_new_tokens=4) for adapter in (None, result.path)
    )
    assert "".join(tuned.stream([{"role": "user", "content": "Document"}])) is not None
    assert perplexity(tuned.model, tuned.tokenizer) < 0.8 * perplexity(base.model, base.tokenizer)


def perplexity(model: object, tokenizer: object) -> float:
    """Of one text alone, worked out apart from the trainer."""
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])  # type: ignore[operator]
    with torch.inference_mode():
        return float(model(input_ids=ids, labels=ids).loss.exp())  # type: ignore[operator]


def test_the_held_out_loss_is_that_of_each_document_alone(
    documents: list[Example], config: Make, tiny_llama: Path
) -> None:
    from finetune.methods import load_method

    settings = config(objective="pretrain", max_length=256)
    arguments = {
        "output_dir": settings.out,
        "report_to": "none",
        "use_cpu": True,
        "per_device_eval_batch_size": 2,
    }
    job = load_objective("pretrain").prepare(
        documents[:10], documents[10:], settings, tiny_llama, load_method("full"), arguments
    )
    tokenizer, model = job.trainer.processing_class, load_causal(tiny_llama)
    total, count = 0.0, 0
    for row in documents[10:]:
        ids = torch.tensor([[*tokenizer(row.text)["input_ids"], tokenizer.eos_token_id]])
        with torch.inference_mode():
            total += float(model(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    assert len(job.trainer.eval_dataset) < 10  # documents share sequences
    # Documents that a sequence cuts begin anew, so a few tokens lose their context.
    assert job.evaluate()["loss"] == pytest.approx(total / count, rel=0.02)


def test_few_documents_hold_out_some_of_their_sequences(config: Make, tiny_llama: Path) -> None:
    from finetune.methods import load_method

    long = documents_as_examples([" ".join(TEXTS)])
    arguments = {"output_dir": config().out, "report_to": "none", "use_cpu": True}
    job = load_objective("pretrain").prepare(
        long, [], config(objective="pretrain", max_length=32), tiny_llama, load_method("lora"), arguments
    )
    taught, held = len(job.trainer.train_dataset), len(job.trainer.eval_dataset)
    assert held == (taught + held) // 10 and f"{held} sequences of them are" in job.notes[-1]


def test_with_virtual_tokens_every_document_has_a_sequence_of_its_own(
    documents: list[Example], tiny_llama: Path
) -> None:
    objective = load_objective("pretrain")
    tokenizer = objective.load_tokenizer(tiny_llama, documents)
    settings = TrainConfig(
        model=str(tiny_llama), out="", objective="pretrain", method="prefix", max_length=250
    )
    encoded = objective.encode(documents, settings, tiny_llama, tokenizer)
    rows, _ = objective.sequences(encoded, encoded[:1], settings, tiny_llama)
    assert len(rows) == 20 and "position_ids" not in rows[0]
    assert objective.longest(settings, tiny_llama) == 256 - settings.virtual_tokens


@pytest.mark.parametrize("packing", [False, True])
def test_every_answer_of_a_conversation_is_learned(packing: bool, config: Make, tiny_llama: Path) -> None:
    from transformers import PrinterCallback

    from finetune.methods import load_method

    talk = [
        {"role": "user", "content": "Item?"},
        {"role": "assistant", "content": "Blue."},
        {"role": "user", "content": "And its price?"},
        {"role": "assistant", "content": "Seven."},
    ]
    settings = config(packing=packing, max_length=200, method="full")
    arguments = {"learning_rate": 1e-2, "max_steps": 40, "save_strategy": "no", "disable_tqdm": True}
    arguments |= {"output_dir": settings.out, "report_to": "none", "use_cpu": True}
    rows = [Example(messages=tuple(talk), line=number) for number in range(8)]
    job = load_objective("sft").prepare(rows, [], settings, tiny_llama, load_method("full"), arguments)
    job.trainer.remove_callback(PrinterCallback)
    job.trainer.train()
    tokenizer, model = job.trainer.processing_class, job.trainer.model.eval()
    for at in (1, 3):
        prompt = torch.tensor([encode(tokenizer, render(tokenizer, talk[:at], answering=True))])
        said = model.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12)
        assert tokenizer.decode(said[0, prompt.shape[1] :]) == talk[at]["content"] + "<|im_end|>"


def test_a_packed_run_has_the_loss_of_an_unpacked_one(
    config: Make, rows: list[Example], tiny_llama: Path
) -> None:
    from finetune.methods import load_method

    losses = []
    for packing in (False, True):
        settings = config(packing=packing, max_length=100, method="full")
        arguments = {"learning_rate": 1e-3, "max_steps": 3, "save_strategy": "no", "disable_tqdm": True}
        arguments |= {"output_dir": settings.out, "report_to": "none", "use_cpu": True, "logging_steps": 1}
        arguments |= {"per_device_train_batch_size": 12, "max_grad_norm": 1.0}
        job = load_objective("sft").prepare(
            rows[:12], rows[12:], settings, tiny_llama, load_method("full"), arguments
        )
        job.trainer.train()
        steps = [entry["loss"] for entry in job.trainer.state.log_history if "loss" in entry]
        losses.append([*steps, job.evaluate()["loss"]])
    assert len(job.trainer.train_dataset) < 12
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


def test_rows_of_another_kind_name_the_objective_that_learns_from_them(config: Make) -> None:
    turn = {"role": "assistant", "content": "So."}
    pair = Example(
        messages=({"role": "user", "content": "Why?"},),
        chosen=(turn,),
        rejected=({**turn, "content": "No."},),
    )
    with pytest.raises(ValueError, match="fits the objective 'sft': they are preferences; use 'dpo'"):
        train([pair] * 12, config())
    with pytest.raises(ValueError, match="they are texts; use 'pretrain'"):
        train([Example(text="A document.")], config())


def test_packing_goes_with_no_method_of_virtual_tokens(config: Make, rows: list[Example]) -> None:
    with pytest.raises(ValueError, match="Rows cannot be packed with method 'prefix'"):
        train(rows, config(method="prefix", packing=True))
