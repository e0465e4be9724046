"""What single methods promise: ranks that shrink, prompts that start from words, runs that go on exactly."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from trained_pairs import Trained

from finetune import TrainConfig, TrainingInterrupted, load_classifier, load_generator, train
from finetune.causal import load_causal
from finetune.encoder import EncoderClassifier, load_encoder
from finetune.methods import METHODS, load_method
from finetune.methods.adalora import PruneRanks
from finetune.run_folder import unfinished
from finetune.schema import Example

Make = Callable[..., TrainConfig]
Pairs = dict[tuple[str, str], Trained]


@pytest.fixture
def quick(config: Make) -> Make:
    """Runs without the checks that write answers."""
    return lambda **changes: config(general="none", metric_rows=0, **changes)


def test_adalora_leaves_ranks_out_down_to_the_target_and_lora_does_not(trained_pairs: Pairs) -> None:
    ranks = {}
    for method in ("adalora", "lora"):
        stored = load_file(trained_pairs[method, "sft"].folder / "adapter_model.safetensors")
        ranks[method] = [value.shape[0] for name, value in stored.items() if "lora_A" in name]
    assert len(ranks["adalora"]) == 14 and set(ranks["lora"]) == {16}
    assert max(ranks["adalora"]) <= 6  # one and a half times the target of 4, from which the run starts
    # 56 in all, and one more for each layer that lost every rank: peft wants a tensor there.
    assert 56 <= sum(ranks["adalora"]) <= 56 + ranks["adalora"].count(1)
    assert len(set(ranks["adalora"])) > 1


def test_without_the_callback_no_rank_would_be_pruned(
    quick: Make, rows: list[Example], tiny_llama: Path
) -> None:
    assert [type(one) for one in load_method("adalora").callbacks(quick())] == [PruneRanks]
    model = load_method("adalora").attach(
        load_causal(tiny_llama), quick(method="adalora"), task="CAUSAL_LM", head=None
    )
    assert {value.shape[0] for name, value in model.named_parameters() if "lora_A" in name} == {12}


def stop_at(step: int) -> Callable[[str, int, int], None]:
    def tell(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def frozen_in_checkpoint(out: Path) -> set[str]:
    """Weights of the base that a checkpoint holds, though no method here trains them."""
    stored = load_file(next(unfinished(out).glob("checkpoint-*/*model.safetensors")))
    return {name for name in stored if name.startswith("model.layers.0") and "bottleneck" not in name}


@pytest.mark.parametrize(
    "method", ["adalora", "p_tuning", "prefix", "houlsby", "output_layer", "last_layers", "ia3"]
)
def test_an_interrupted_run_of_every_kind_goes_on_as_if_it_had_not_been(
    method: str, quick: Make, rows: list[Example], tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "method": method, "max_steps": 10, "adalora_target_rank": 3, "last_layers": 1,
    }  # fmt: skip
    whole = train(rows, quick(**changes, out=str(tmp_path / "whole")))
    with pytest.raises(TrainingInterrupted):
        train(rows, quick(**changes), stop_at(5))
    assert frozen_in_checkpoint(Path(quick().out)) == set()
    resumed = train(rows, quick(**changes, resume=True))
    assert resumed.losses == pytest.approx(whole.losses, abs=1e-5)
    first, second = (load_file(next(Path(one.path).glob("*.safetensors"))) for one in (whole, resumed))
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-5) for name in first)
    assert not (Path(resumed.path) / "training_state.safetensors").exists()


def prompt_vectors(config: TrainConfig, base: Path) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = load_method("prompt").attach(load_causal(base), config, task="CAUSAL_LM", head=None)
    return model.prompt_encoder["default"].embedding.weight.detach(), model.word_embeddings.weight.detach()


def test_a_prompt_starts_from_a_text_from_the_vocabulary_or_from_noise(quick: Make, tiny_llama: Path) -> None:
    from finetune.template import load_tokenizer

    text, words = prompt_vectors(
        quick(method="prompt", prompt_text="item is blue", virtual_tokens=40), tiny_llama
    )
    ids = load_tokenizer(tiny_llama)("item is blue", add_special_tokens=False)["input_ids"]
    assert torch.equal(text[: len(ids)], words[ids]) and torch.equal(text[len(ids)], words[ids[0]])
    drawn, _ = prompt_vectors(quick(method="prompt"), tiny_llama)
    assert all((row == words).all(1).any() for row in drawn)
    noise, _ = prompt_vectors(quick(method="prompt", prompt_start="random"), tiny_llama)
    assert not any((row == words).all(1).any() for row in noise)
    assert noise.std() == pytest.approx(float(words.std()), rel=0.2)


def test_p_tuning_goes_through_an_lstm_when_asked(quick: Make, rows: list[Example]) -> None:
    result = train(rows, quick(method="p_tuning", prompt_encoder="lstm", max_steps=2))
    settings = json.loads((Path(result.path) / "adapter_config.json").read_text())
    assert settings["encoder_reparameterization_type"] == "LSTM"


def test_prefixes_turn_gradient_checkpointing_off_and_say_so(quick: Make, rows: list[Example]) -> None:
    result = train(rows, quick(method="prefix", gradient_checkpointing=True, max_steps=2))
    assert any("gradient checkpointing turned off: prefix needs the cache" in note for note in result.notes)
    assert (
        train(rows, quick(method="lora", gradient_checkpointing=True, max_steps=1, overwrite=True)).steps == 1
    )


def test_a_text_reads_the_same_alone_and_beside_a_longer_one(trained_pairs: Pairs) -> None:
    for method in ("prompt", "p_tuning", "prefix", "p_tuning_v2", "houlsby"):
        pair = trained_pairs[method, "classify"]
        classifier = load_classifier(str(pair.base), pair.folder)
        together = classifier.classify(["sun 1", "a very long evening of snow and frost"])
        alone = [
            classifier.classify([text])[0] for text in ("sun 1", "a very long evening of snow and frost")
        ]
        assert [label for label, _ in together] == [label for label, _ in alone]
        assert [share for _, share in together] == pytest.approx([share for _, share in alone], abs=1e-5)


def test_rows_may_share_a_sequence_where_the_table_of_methods_says_so(trained_pairs: Pairs) -> None:
    first, second = torch.arange(3, 12)[None], torch.arange(40, 47)[None]
    places = torch.cat([torch.arange(9), torch.arange(7)])[None]
    for (method, objective), pair in trained_pairs.items():
        if objective == "sft" and not METHODS[method].virtual_tokens:
            model = load_generator(str(pair.base), pair.folder).model
            with torch.inference_mode():
                apart = torch.cat(
                    [model(input_ids=ids, use_cache=False).logits for ids in (first, second)], 1
                )
                joined = torch.cat([first, second], 1)
                shared = model(input_ids=joined, position_ids=places, use_cache=False).logits
            assert torch.allclose(apart, shared, atol=1e-4), method


@pytest.mark.parametrize("objective", ["sft", "classify"])
def test_every_method_trains_over_a_sixteen_bit_base(objective: str, trained_pairs: Pairs) -> None:
    """As on a card: the base in bf16, what is trained in fp32, and autocast between them."""
    ids = torch.arange(3, 19).view(2, 8)
    for (method, kind), pair in trained_pairs.items():
        # Autocast on a card converts for layer norms too, which it does not do on a processor.
        if kind != objective or method in ("full", "features", "qlora", "bitfit", "last_layers"):
            continue
        base, head = sixteen_bits(pair.base, objective)
        task = "SEQ_CLS" if head else "CAUSAL_LM"
        model = load_method(method).attach(base, pair.config, task=task, head=head).train()
        labels = torch.tensor([0, 1]) if head else ids
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        loss.backward()
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        assert {weight.dtype for weight in trained} == {torch.float32}, method
        assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in trained), method
        if METHODS[method].virtual_tokens:  # also where no autocast puts a prefix into the format of the base
            assert torch.isfinite(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits).all(), (
                method
            )


def sixteen_bits(base: Path, objective: str) -> tuple[Any, str | None]:
    if objective == "sft":
        return load_causal(base, dtype=torch.bfloat16), None
    return EncoderClassifier(load_encoder(base, dtype=torch.bfloat16), 2), "classifier"


def test_the_regression_is_scikit_learns(trained_pairs: Pairs) -> None:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
    from trained_pairs import rows as pair_rows

    pair = trained_pairs["features", "classify"]
    classifier = load_classifier(str(pair.base), pair.folder)
    examples = pair_rows("classify")
    encoded = classifier._tokenizer([row.text for row in examples], padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors = classifier._model.pooled(
            input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]
        )
    expected = LogisticRegression(max_iter=2000).fit(vectors.numpy(), [row.label for row in examples])
    chances = expected.predict_proba(vectors.numpy())
    found = classifier.classify([row.text for row in examples])
    assert [share for _, share in found] == pytest.approx(chances.max(1).tolist(), abs=1e-4)
    assert [label for label, _ in found] == list(expected.predict(vectors.numpy()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"method": "bitfit"},
            "Method 'bitfit' cannot be used here: this llama model has no biases; take lora",
        ),
        ({"method": "features"}, "a logistic regression predicts labels and writes no text"),
        ({"method": "last_layers", "last_layers": 9}, "last_layers is 9, but the model has 2 layers"),
        ({"method": "prompt", "virtual_tokens": 0}, "virtual_tokens is 0; it must be at least 1"),
        ({"method": "prompt", "prompt_start": "ones"}, r"prompt_start is 'ones'; choose one of \['random'"),
        (
            {"method": "lora", "prompt_text": "a"},
            "prompt_text starts prompt tuning; leave it out for method 'lora'",
        ),
        ({"method": "houlsbi"}, r"Unknown method 'houlsbi' \(near: houlsby\)"),
    ],
)
def test_what_cannot_be_is_one_line(
    quick: Make, rows: list[Example], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        train(rows, quick(**changes))
    assert "\n" not in str(caught.value)
