"""A model that is not in training is scored in the tokens of its work, whatever shares its batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from conftest import save_tiny_model

from finetune import TrainConfig, load_generator
from finetune.general_set import GeneralRow
from finetune.schema import Example
from finetune.standing import answerable, general_scores, likelihoods, task_scores
from finetune.template import encode, render


def turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    base = save_tiny_model(tmp_path_factory.mktemp("m") / "llama", "llama", context=96)
    yield load_generator(str(base), max_new_tokens=8)


def test_a_likelihood_is_that_of_the_answer_and_its_end_token_alone(generator: Any) -> None:
    asked = turns("What is blue?", "The sky is.")
    prompt = encode(generator.tokenizer, render(generator.tokenizer, asked[:-1], answering=True))
    answer = [*encode(generator.tokenizer, "The sky is."), generator.tokenizer.eos_token_id]
    with torch.inference_mode():
        logits = generator.model(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
    by_hand = sum(float(logits[len(prompt) + at - 1, token]) for at, token in enumerate(answer))
    [found] = likelihoods(generator, [asked], print)
    assert found.tokens == len(answer) and found.total == pytest.approx(by_hand, abs=1e-4)
    assert found.mean == pytest.approx(by_hand / len(answer), abs=1e-5)


def test_company_in_a_batch_changes_nothing_and_the_order_stays(generator: Any) -> None:
    rows = [turns("a?", "b"), turns("What is item 7?", "Item 7 is very blue indeed."), turns("c?", "d e f")]
    together = likelihoods(generator, rows * 2, print)
    alone = [likelihoods(generator, [row], print)[0] for row in rows]
    assert [one.tokens for one in together] == [one.tokens for one in alone] * 2
    for one, other in zip(together, alone * 2, strict=True):
        assert one.total == pytest.approx(other.total, abs=1e-4)


def test_an_answer_that_does_not_fit_says_nothing(generator: Any) -> None:
    [found] = likelihoods(generator, [turns("word " * 200, "yes")], print)
    assert (found.total, found.tokens, found.mean) == (0.0, 0, 0.0)


def test_answers_are_scored_against_those_that_were_wanted(generator: Any) -> None:
    said = ["".join(generator.stream(turns(question, "")[:1])) for question in ("One?", "Two and more?")]
    rows = [
        Example(messages=tuple(turns(question, answer)))
        for question, answer in zip(("One?", "Two and more?"), said, strict=True)
    ]
    found = task_scores(generator, [*rows, Example(messages=tuple(turns("One?", "quite another")))], print)
    assert found["exact_match"] == [1.0, 1.0, 0.0] and set(found) == {"exact_match", "token_f1", "rouge_l"}
    assert answerable(generator, rows[0])
    assert not answerable(generator, Example(messages=tuple(turns("word " * 90, "x"))))
    assert not answerable(generator, Example(text="raw"))


def test_general_rows_are_scored_as_a_run_scores_them(generator: Any) -> None:
    row = GeneralRow(example=Example(messages=tuple(turns("2 + 2?", "4"))), choices=("4", "5"))
    found = general_scores(generator, [row], TrainConfig(model="m", out=""), print)
    assert len(found.losses) == 1 and found.losses[0] > 0 and len(found.means["accuracy"]) == 1
    assert general_scores(generator, [], TrainConfig(model="m", out=""), print).losses == []
