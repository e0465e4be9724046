"""The objective `embed` end to end: it learns, in little memory too, and what is stored gives the same vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from searching import pairs, tiny_encoder

from finetune import Example, TrainConfig, TrainResult, load_sentence_embedder, merge_adapter, train
from finetune.arguments import trainer_arguments
from finetune.methods import load_method
from finetune.objectives import load_objective

ASKED = [row.question for row in pairs()][:4]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "bert")


def settings(encoder: Path, out: Path, **changes: Any) -> TrainConfig:
    given = {
        "model": str(encoder), "out": str(out), "objective": "embed", "method": "full", "max_steps": 50,
        "batch_size": 12, "learning_rate": 3e-3, "max_length": 64, "eval_steps": 20, "save_steps": 100,
    }  # fmt: skip
    return TrainConfig(**{**given, **changes})


def twice(rows: list[Example]) -> list[Example]:
    """The same rows to learn and to be scored by: what a model can learn by heart shows at once."""
    return [*rows, *(replace(row, split="test") for row in rows)]


@pytest.fixture(scope="module")
def learned(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    config = settings(encoder, tmp_path_factory.mktemp("embed") / "whole", allow=("leakage",))
    return train(twice(pairs()), config)


def test_what_was_learned_by_heart_is_found_first(learned: TrainResult) -> None:
    gain = learned.card.gains["ndcg_at_10"]
    assert gain["after"] > 0.95 > gain["before"]
    assert learned.card.metrics_after["loss"] < learned.card.metrics_before["loss"]
    assert gain["rows"] == 12


def test_a_new_process_gives_the_same_vectors(learned: TrainResult, tmp_path: Path) -> None:
    here = load_sentence_embedder(learned.path).embed(ASKED)
    code = (
        "import json, sys, torch; from finetune import load_sentence_embedder; torch.set_num_threads(1);"
        "print(json.dumps(load_sentence_embedder(sys.argv[1]).embed(json.loads(sys.argv[2])).tolist()))"
    )
    line = [sys.executable, "-c", code, learned.path, json.dumps(ASKED)]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert torch.allclose(here, torch.tensor(json.loads(said.splitlines()[-1])), atol=1e-6)


def test_other_programs_read_a_whole_model_as_it_was_trained(learned: TrainResult) -> None:
    library = pytest.importorskip("sentence_transformers")
    found = library.SentenceTransformer(learned.path, device="cpu").encode(ASKED)
    assert torch.allclose(load_sentence_embedder(learned.path).embed(ASKED), torch.tensor(found), atol=1e-5)


def job_of(encoder: Path, out: Path, **changes: Any) -> Any:
    config = settings(encoder, out, **changes)
    method = load_method(config.method)
    arguments = trainer_arguments(config, out, 1e-3)
    return load_objective("embed").prepare(pairs(), [], config, encoder, method, arguments)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_little_memory_gives_the_same_gradient(encoder: Path, tmp_path: Path, dropout: float) -> None:
    trainer = job_of(encoder, tmp_path).trainer
    for part in trainer.model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = dropout
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(12)])
    found = []
    for held in (10**6, 0):
        trainer.how = replace(trainer.how, pass_tokens=40, held_tokens=held)
        trainer.model.zero_grad()
        torch.manual_seed(5)
        loss = trainer.training_step(trainer.model, batch, torch.tensor(12))
        gradients = [weight.grad.clone() for weight in trainer.model.parameters() if weight.grad is not None]
        found.append((loss, gradients))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    for held, cached in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(held, cached, atol=1e-5)


def test_however_a_batch_is_divided_its_loss_is_the_same(encoder: Path, tmp_path: Path) -> None:
    trainer = job_of(encoder, tmp_path).trainer
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(12)])
    found = []
    for tokens in (10**6, 300, 1):
        trainer.how = replace(trainer.how, pass_tokens=tokens)
        found.append(trainer.compute_loss(trainer.model.eval(), batch).item())
    assert found == pytest.approx([found[0]] * 3, abs=1e-4)


def test_memory_that_runs_out_shrinks_the_pass_and_not_the_batch(encoder: Path, tmp_path: Path) -> None:
    trainer, said = job_of(encoder, tmp_path).trainer, []
    trainer.say = said.append
    trainer.how = replace(trainer.how, pass_tokens=600)
    plain = trainer._of_group

    def small(model: Any, inputs: Any, group: Any) -> torch.Tensor:
        if len(group) > 8:
            raise RuntimeError("can't allocate memory")
        return plain(model, inputs, group)

    trainer._of_group = small
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(12)])
    loss = trainer.training_step(trainer.model, batch, torch.tensor(12))
    assert torch.isfinite(loss)
    assert trainer.how.held_tokens == 0
    assert "batches stay whole" in said[-1]


def test_a_run_goes_on_from_an_adapter_and_merges_into_what_an_index_reads(
    encoder: Path, tmp_path: Path
) -> None:
    quick = {"method": "lora", "lora_rank": 4, "max_steps": 3, "eval_steps": 100, "allow": ("leakage",)}
    first = train(twice(pairs()), settings(encoder, tmp_path / "first", **quick))
    again = settings(encoder, tmp_path / "second", adapter=first.path, **{**quick, "lora_rank": 16})
    second = train(twice(pairs()), again)
    assert second.card.metrics_before["loss"] == pytest.approx(first.card.metrics_after["loss"], abs=1e-4)
    merge_adapter(second.path, tmp_path / "merged")
    apart, joined = (load_sentence_embedder(path).embed(ASKED) for path in (second.path, tmp_path / "merged"))
    assert torch.allclose(apart, joined, atol=1e-4)
    assert (tmp_path / "merged" / "1_Pooling" / "config.json").is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "output_layer"}, "no output layer"),
        ({"method": "features"}, "predicts labels"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"stop_on": "accuracy"}, "ndcg_at_10"),
        ({"replay": 0.1}, "no meaning for 'embed'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    encoder: Path, tmp_path: Path, changes: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        train(pairs(), settings(encoder, tmp_path / "out", **changes))


def test_a_batch_is_large_unless_another_is_asked_for(encoder: Path, tmp_path: Path) -> None:
    from finetune.usual import with_usual

    plain = TrainConfig(model=str(encoder), out=str(tmp_path), objective="embed")
    assert (with_usual(plain).batch_size, with_usual(plain).stop_on) == (64, "ndcg_at_10")
    assert with_usual(replace(plain, batch_size=7)).batch_size == 7
