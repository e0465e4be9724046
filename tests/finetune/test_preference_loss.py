"""The losses of judged answers against numbers worked out on paper, and against trl's own trainers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.preference_loss import DPO_LOSSES, answer_logps, balanced, bradley_terry, dpo, ipo, kto, rpo

TOKENS = torch.tensor([[2.0, 4.0]])


def test_dpo_is_minus_log_sigmoid_of_beta_times_the_margin() -> None:
    ratios = torch.tensor([[3.0, 1.0]], requires_grad=True)
    loss = dpo(ratios, TOKENS, 0.5)  # beta times the margin is 1
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
    loss.sum().backward()
    assert ratios.grad is not None
    pull = 0.5 / (1 + math.e)  # beta sigmoid(-1): the better answer is made likelier, the worse one less
    assert ratios.grad[0].tolist() == pytest.approx([-pull, pull], abs=1e-6)
    turned = dpo(torch.tensor([[1.0, 3.0]]), TOKENS, 0.5)
    assert turned.item() == pytest.approx(math.log(1 + math.e), abs=1e-6)


def test_ipo_wants_a_margin_of_half_of_one_by_beta_for_each_token() -> None:
    # Means 3 / 2 and 1 / 4 differ by 1.25; wanted is 1 / (2 x 0.5) = 1.
    assert ipo(torch.tensor([[3.0, 1.0]]), TOKENS, 0.5).item() == pytest.approx(0.0625)
    assert set(DPO_LOSSES) == {"ipo", "rpo", "sigmoid"}


def test_rpo_is_dpo_less_what_the_better_answer_gained_for_each_token() -> None:
    """TOKENS has 2 in the better answer: a gain of 3 nats takes off 1.5."""
    ratios = torch.tensor([[3.0, 1.0]])
    assert rpo(ratios, TOKENS, 0.5).item() == pytest.approx(
        dpo(ratios, TOKENS, 0.5).item() - 3.0 / TOKENS[0, 0].item()
    )
    lost = torch.tensor([[-5.0, -7.0]])  # the same margin, both unlikely: dpo sees no difference, rpo does
    assert dpo(lost, TOKENS, 0.5).item() == dpo(ratios, TOKENS, 0.5).item()
    assert rpo(lost, TOKENS, 0.5).item() > rpo(ratios, TOKENS, 0.5).item()


def test_kto_pulls_liked_answers_above_the_distance_and_disliked_ones_below() -> None:
    ratios = torch.tensor([2.0, 2.0], requires_grad=True)
    liked, kl = torch.tensor([True, False]), torch.tensor(1.0, requires_grad=True)
    losses = kto(ratios, liked, kl, 1.0, (1.0, 2.0))
    above = 1 / (1 + math.exp(-1))  # sigmoid(2 - 1)
    assert losses.tolist() == pytest.approx([1 - above, 2 * above], abs=1e-6)
    losses.sum().backward()
    steep = above * (1 - above)
    assert ratios.grad is not None and ratios.grad.tolist() == pytest.approx([-steep, 2 * steep], abs=1e-6)
    assert kl.grad is None
    nearer = kto(ratios, liked, torch.tensor(-5.0), 1.0, (1.0, 2.0))  # a distance is never below zero
    assert nearer[0].item() == pytest.approx(1 - 1 / (1 + math.exp(-2)), abs=1e-6)


def test_the_rarer_thumb_weighs_more_so_that_both_count_the_same() -> None:
    assert balanced(30, 10) == (1.0, 3.0)
    assert balanced(10, 25) == (2.5, 1.0)


def test_bradley_terry_is_minus_log_of_the_chance_that_the_better_one_wins() -> None:
    scores = torch.tensor([[math.log(3.0), 0.0]], requires_grad=True)  # three to one
    loss = bradley_terry(scores)
    assert loss.item() == pytest.approx(-math.log(0.75), abs=1e-6)
    loss.sum().backward()
    assert scores.grad is not None and scores.grad[0].tolist() == pytest.approx([-0.25, 0.25], abs=1e-6)


def test_an_answers_probability_is_that_of_its_labelled_tokens() -> None:
    logits = torch.log(
        torch.tensor([[[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], [[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]])
    )
    labels = torch.tensor([[-100, 1, 0], [-100, -100, 1]])
    found = answer_logps(logits, labels)
    assert found.tolist() == pytest.approx([math.log(0.5 * 0.25), math.log(0.4)], abs=1e-6)
    # Places that a soft prompt put before the row change nothing.
    longer = torch.cat([torch.randn(2, 3, 2), logits], 1)
    assert torch.allclose(answer_logps(longer, labels), found)


def batch_of(rows: list[tuple[list[int], list[int]]]) -> dict[str, torch.Tensor]:
    """Prompt and answer tokens to what trl's trainers read, padded on the right."""
    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    made: dict[str, list[list[int]]] = {"input_ids": [], "attention_mask": [], "completion_mask": []}
    for prompt, answer in rows:
        gap = width - len(prompt) - len(answer)
        made["input_ids"].append(prompt + answer + [0] * gap)
        made["attention_mask"].append([1] * (width - gap) + [0] * gap)
        made["completion_mask"].append([0] * len(prompt) + [1] * len(answer) + [0] * gap)
    return {name: torch.tensor(values) for name, values in made.items()}


CHOSEN, REJECTED = [([5, 6], [7, 8, 9]), ([10, 11, 12], [13])], [([5, 6], [14]), ([10, 11, 12], [15, 16])]
OTHERS = [([5, 6], [13]), ([10, 11, 12], [7, 8, 9])]  # answers to the other question


def own_logps(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return answer_logps(logits, labels)


def trl_trainer(kind: str, model: Any, tokenizer: Any, folder: Path, **settings: Any) -> Any:
    """A trainer of trl's whose reference is given with the rows; its own batches are not used."""
    from datasets import Dataset

    trl: Any = pytest.importorskip("trl", minversion="1.16", reason="trl 1.16 is not installed")

    columns = {"prompt": ["a", "b"], "chosen": ["c", "d"], "rejected": ["e", "f"]}
    if kind == "KTO":
        columns = {"prompt": ["a", "b"], "completion": ["c", "d"], "label": [True, False]}  # type: ignore[dict-item]
    arguments = getattr(trl, f"{kind}Config")(
        output_dir=str(folder), report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False,
        disable_tqdm=True, per_device_train_batch_size=2, beta=0.3, **settings,
    )  # fmt: skip
    return getattr(trl, f"{kind}Trainer")(
        model=model, args=arguments, train_dataset=Dataset.from_dict(columns), processing_class=tokenizer
    )


@pytest.mark.parametrize("kind", ["ipo", "sigmoid"])
def test_dpo_is_what_trl_computes_on_the_same_batch(kind: str, tiny_llama: Path, tmp_path: Path) -> None:
    from finetune.causal import load_causal
    from finetune.template import load_tokenizer

    model, tokenizer = load_causal(tiny_llama), load_tokenizer(tiny_llama)
    batch, reference = batch_of([*CHOSEN, *REJECTED]), torch.tensor([-9.0, -4.0, -5.0, -11.0])
    own = own_logps(model, batch).detach() - reference
    ours = DPO_LOSSES[kind](
        torch.stack(own.chunk(2), 1), batch["completion_mask"].sum(1).view(2, 2).T.float(), 0.3
    )
    trainer = trl_trainer("DPO", model, tokenizer, tmp_path, precompute_ref_log_probs=True, loss_type=[kind])
    given = {**batch, "ref_chosen_logps": reference[:2], "ref_rejected_logps": reference[2:]}
    assert float(trainer.compute_loss(trainer.model, given)) == pytest.approx(ours.mean().item(), abs=1e-5)


def test_kto_is_what_trl_computes_on_the_same_batch(tiny_llama: Path, tmp_path: Path) -> None:
    from finetune.causal import load_causal
    from finetune.template import load_tokenizer

    model, tokenizer = load_causal(tiny_llama), load_tokenizer(tiny_llama)
    batch, other = batch_of(CHOSEN), batch_of(OTHERS)
    reference, other_reference = (
        own_logps(model, batch).detach() + torch.tensor([-2.0, 1.0]),
        torch.tensor([-6.5, -18.0]),
    )
    ratios = own_logps(model, batch).detach() - reference
    kl = (own_logps(model, other).detach() - other_reference).mean()
    ours = kto(ratios, torch.tensor([True, False]), kl, 0.3, (1.0, 1.5)).mean()
    trainer = trl_trainer(
        "KTO", model, tokenizer, tmp_path, precompute_ref_log_probs=True, undesirable_weight=1.5,
        train_sampling_strategy="sequential",
    )  # fmt: skip
    given = {**batch, **{f"KL_{name}": value for name, value in other.items()}}
    given |= {"label": torch.tensor([True, False]), "ref_logps": reference, "ref_KL_logps": other_reference}
    assert float(trainer.compute_loss(trainer.model, given)) == pytest.approx(ours.item(), abs=1e-5)
