"""Answers come from the very distribution whose log-probabilities are learned from, whatever method or padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.causal import load_causal
from finetune.methods import load_method
from finetune.ppo.experience import joined, part_of
from finetune.ppo.policy import said
from finetune.ppo.quiet import learning
from finetune.ppo.rollout import Answers, Sampler
from finetune.ppo.value_head import ValueHead
from finetune.reference import Reference
from finetune.schema import TrainConfig
from finetune.template import encode, load_tokenizer

PROMPTS = ["What is it?", "Opening hours of the mill, please:"]


def loaded(base: Path, method: str, **changes: Any) -> tuple[Any, Any]:
    config = TrainConfig(model=str(base), out="", method=method, virtual_tokens=4, **changes)
    torch.manual_seed(0)
    model = load_method(method).attach(load_causal(base), config, task="CAUSAL_LM", head=None)
    return model, load_tokenizer(base)


def some_answers(tokenizer: Any) -> Answers:
    asked = [encode(tokenizer, text) for text in (*PROMPTS, PROMPTS[0])]
    given = [encode(tokenizer, text) for text in ("Blue.", "Nine to five from Monday", "No")]
    return Answers(prompts=asked, answers=given, ended=[True] * 3)


@pytest.mark.parametrize("method", ["lora", "prompt", "prefix", "llama_adapter"])
def test_what_is_sampled_is_as_likely_as_it_is_said_to_be(method: str, talker: Path) -> None:
    """The mean of -log p over samples is the entropy, for samples of p alone."""
    model, tokenizer = loaded(talker, method)
    bent = {"temperature": 0.5, "top_k": 3, "repetition_penalty": 1.5, "do_sample": True}
    model.generation_config.update(**bent)  # as models come from the hub
    sampler = Sampler(
        stops=frozenset({tokenizer.eos_token_id}),
        pad_token_id=tokenizer.pad_token_id,
        most_tokens=4,
        at_once=256,
        equal_lengths=method in ("prompt", "prefix"),
    )
    torch.manual_seed(1)
    asked = [encode(tokenizer, text) for text in PROMPTS] * 128
    found = said(model.eval(), sampler.sample(model, asked, print), tokenizer.pad_token_id)
    apart = (found.log_probs + found.entropy)[found.mask > 0]
    assert abs(float(apart.mean())) < 4 * float(apart.std()) / len(apart) ** 0.5
    assert float(found.entropy.sum() / found.mask.sum()) > 3


@pytest.mark.parametrize(
    "bent", [{"repetition_penalty": 50.0}, {"no_repeat_ngram_size": 1}, {"top_p": 0.1}, {"min_p": 0.9}]
)
def test_nothing_in_a_models_own_settings_bends_what_is_sampled(bent: dict[str, float], talker: Path) -> None:
    model, tokenizer = loaded(talker, "lora")
    sampler = Sampler(
        stops=frozenset({tokenizer.eos_token_id}),
        pad_token_id=tokenizer.pad_token_id,
        most_tokens=6,
        at_once=64,
        equal_lengths=False,
    )
    asked = [encode(tokenizer, text) for text in PROMPTS] * 8
    found = []
    for settings in ({}, bent):
        model.generation_config.update(**settings)
        torch.manual_seed(2)
        found.append(sampler.sample(model.eval(), asked, print).answers)
    assert found[0] == found[1]


@pytest.mark.parametrize("method", ["lora", "prompt"])
def test_padding_changes_nothing(method: str, talker: Path) -> None:
    model, tokenizer = loaded(talker, method)
    answers, head = some_answers(tokenizer), ValueHead(32)
    torch.nn.init.normal_(head.linear.weight)
    model.eval()
    with torch.no_grad():
        together = said(model, answers, tokenizer.pad_token_id, head)
        alone = [said(model, part_of(answers, [at]), tokenizer.pad_token_id, head) for at in range(3)]
    for name in ("log_probs", "entropy", "values", "mask"):
        assert torch.allclose(getattr(together, name), getattr(joined(alone), name), atol=1e-5), name
    assert together.mask.sum(1).tolist() == [len(answer) for answer in answers.answers]
    assert not together.log_probs[together.mask == 0].any()


def test_log_probabilities_are_those_of_the_models_own_loss(talker: Path) -> None:
    model, tokenizer = loaded(talker, "lora")
    answers = part_of(some_answers(tokenizer), [1])
    ids = torch.tensor([answers.prompts[0] + answers.answers[0]])
    labels = torch.where(torch.arange(ids.shape[1]) < len(answers.prompts[0]), -100, ids)
    loss = model.eval()(input_ids=ids, labels=labels).loss
    assert -float(said(model, answers, 0).log_probs.mean()) == pytest.approx(float(loss), abs=1e-5)


def test_a_learning_pass_says_exactly_what_a_reading_one_said(talker: Path) -> None:
    """So that the ratio of the first minibatch is 1; with dropout and with gradient checkpointing too."""
    model, tokenizer = loaded(talker, "lora", lora_dropout=0.5)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    answers = some_answers(tokenizer)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:  # else B is zero, and what is dropped of A changes nothing
                weight.normal_(std=0.1)
        before = said(model.eval(), answers, tokenizer.pad_token_id)
    with learning(model):
        now = said(model, answers, tokenizer.pad_token_id)
        assert any(layer.training for layer in model.modules())
    assert torch.equal(now.log_probs.detach(), before.log_probs)
    assert now.log_probs.requires_grad and not any(layer.training for layer in model.modules())


def test_the_reference_is_the_start_and_the_policy_comes_back(talker: Path) -> None:
    model, tokenizer = loaded(talker, "lora")
    answers, reference = some_answers(tokenizer), Reference(model)
    with torch.no_grad():
        start = said(model.eval(), answers, tokenizer.pad_token_id).log_probs
        for weight in model.parameters():
            if weight.requires_grad:
                weight.normal_()
        moved = said(model, answers, tokenizer.pad_token_id).log_probs
        with reference.in_place():
            again = said(model, answers, tokenizer.pad_token_id).log_probs
        back = said(model, answers, tokenizer.pad_token_id).log_probs
    assert torch.equal(again, start) and torch.equal(back, moved) and not torch.allclose(moved, start)


def test_soft_prompts_sample_prompts_of_one_length_together(talker: Path) -> None:
    """Their vectors stand before the padding, so that none may be there."""
    sampler = Sampler(stops=frozenset({9}), pad_token_id=0, most_tokens=1, at_once=8, equal_lengths=True)
    widths: list[list[int]] = []

    class Wrote:
        device = torch.device("cpu")

        def generate(self, input_ids: Any, attention_mask: Any, **options: Any) -> Any:
            widths.append([*input_ids.shape, int(attention_mask.min())])
            return torch.cat([input_ids, input_ids[:, -1:]], 1)

    found = sampler.sample(Wrote(), [[1], [2, 3], [4], [5, 6]], print)
    assert widths == [[2, 1, 1], [2, 2, 1]]
    assert found.answers == [[1], [3], [4], [6]]
