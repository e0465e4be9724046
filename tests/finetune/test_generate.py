"""Answers are streamed, repeatable, end where they should, and never come from the wrong weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune import TrainConfig, load_generator, train
from finetune.adapters import list_adapters, read_card
from finetune.sampling import Sampling
from finetune.schema import Example
from finetune.template import encode, render

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is item 3?"}]


@pytest.fixture(scope="module")
def adapter(tiny_llama: Path, rows: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that has learned its rows by heart."""
    out = tmp_path_factory.mktemp("generate") / "adapters" / "blue"
    settings = TrainConfig(
        model=str(tiny_llama), out=str(out), max_steps=150, learning_rate=2e-2, lora_rank=32, batch_size=12
    )
    train(rows, settings)
    return out


def test_a_trained_adapter_answers_as_it_was_taught_and_stops(tiny_llama: Path, adapter: Path) -> None:
    generator = load_generator(str(tiny_llama), adapter, max_new_tokens=40)
    answer = "".join(generator.stream(ASK[1:], question="ignored"))
    assert answer.startswith("Item") and answer.endswith("is blue.")
    assert (generator.name, generator.adapter) == (str(tiny_llama), str(adapter))


def test_answers_come_in_pieces_and_are_the_same_each_time(tiny_llama: Path) -> None:
    generator = load_generator(str(tiny_llama), max_new_tokens=20)
    first, second = list(generator.stream(ASK)), list(generator.stream(ASK))
    assert first == second and len(first) > 1


def test_a_base_model_without_a_template_answers_in_the_plain_layout(
    plain_llama: Path, rows: list[Example], tmp_path: Path
) -> None:
    result = train(rows, TrainConfig(model=str(plain_llama), out=str(tmp_path / "a"), max_steps=2))
    stored = (Path(result.path) / "chat_template.jinja").read_text()
    generator = load_generator(str(plain_llama), result.path, max_new_tokens=4)
    assert "### Question:" in stored and generator.tokenizer.chat_template == stored
    assert load_generator(str(plain_llama)).tokenizer.chat_template == stored
    assert isinstance("".join(generator.stream(ASK)), str)


def test_the_wrong_base_is_refused_with_a_sentence(tiny_qwen2: Path, adapter: Path, tiny_llama: Path) -> None:
    with pytest.raises(ValueError, match=rf"was trained on '{tiny_llama}'.*holds other weights"):
        load_generator(str(tiny_qwen2), adapter)


def test_the_same_architecture_with_other_weights_is_refused(
    adapter: Path, tmp_path: Path, build_tiny_model: Callable[..., Path]
) -> None:
    other = build_tiny_model(tmp_path / "other", "llama", seed=7)
    with pytest.raises(ValueError, match="holds other weights"):
        load_generator(str(other), adapter)


def test_what_is_no_adapter_is_refused(tiny_llama: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No adapter at"):
        load_generator(str(tiny_llama), tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no finished adapter"):
        load_generator(str(tiny_llama), tmp_path)
    (tmp_path / "adapter_card.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        read_card(tmp_path)
    (tmp_path / "adapter_card.json").write_text((adapter / "adapter_card.json").read_text())
    with pytest.raises(ValueError, match="holds a card but no weights"):
        load_generator(str(tiny_llama), tmp_path)
    with pytest.raises(ValueError, match="is an adapter, not a model"):
        load_generator(str(adapter))


def test_adapters_in_a_folder_are_listed(adapter: Path) -> None:
    ((path, card),) = list_adapters(adapter.parent)
    assert path == adapter and card.method == "lora"
    with pytest.raises(FileNotFoundError, match="No folder at"):
        list_adapters(adapter / "none")


def test_a_prompt_longer_than_the_context_is_refused(tiny_llama: Path) -> None:
    generator = load_generator(str(tiny_llama))
    with pytest.raises(ValueError, match=r"The prompt has \d+ tokens, but .* reads 256; retrieve fewer"):
        list(generator.stream([{"role": "user", "content": "why " * 300}]))


def test_an_answer_ends_with_the_context(tmp_path: Path, build_tiny_model: Callable[..., Path]) -> None:
    folder = build_tiny_model(tmp_path / "short", "llama", context=48)
    generator = load_generator(str(folder))
    generator.stops = frozenset({0})  # a token that this random model does not choose
    prompt = encode(generator.tokenizer, render(generator.tokenizer, ASK[1:], answering=True))
    steps = []
    generator.model.register_forward_pre_hook(lambda *arguments: steps.append(1))
    list(generator.stream(ASK[1:]))
    assert len(steps) == 48 - len(prompt)


def test_an_error_in_the_middle_of_an_answer_reaches_the_reader(tiny_llama: Path) -> None:
    generator = load_generator(str(tiny_llama), max_new_tokens=20)
    calls = []

    def fail(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("card fell off")

    generator.model.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="card fell off"):
        list(generator.stream(ASK))
    assert list(generator.stream(ASK))  # and the next answer works


def test_a_reader_who_leaves_stops_the_model(tiny_llama: Path) -> None:
    generator = load_generator(str(tiny_llama), max_new_tokens=200)
    generator.stops = frozenset({0})
    steps = []
    generator.model.register_forward_pre_hook(lambda *arguments: steps.append(1))
    stream = generator.stream(ASK)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    done = len(steps)
    torch.randn(64, 64) @ torch.randn(64, 64)
    assert len(steps) == done < 190


def test_adapter_files_hold_no_path_of_this_machine(adapter: Path, tiny_llama: Path) -> None:
    card = json.loads((adapter / "adapter_card.json").read_text())
    assert card["base_model"] == str(tiny_llama)  # what the person typed, and nothing resolved
    assert "pytest" not in json.dumps(card["libraries"])


def test_drawn_answers_differ_and_come_again_with_their_seed(tiny_llama: Path) -> None:
    generator = load_generator(str(tiny_llama), max_new_tokens=12)
    state = torch.random.get_rng_state()
    first = generator.samples(ASK, 3, Sampling(seed=1))
    assert len(set(first)) == 3 and first == generator.samples(ASK, 3, Sampling(seed=1))
    assert first != generator.samples(ASK, 3, Sampling(seed=2))
    likeliest = "".join(generator.stream(ASK))
    assert generator.samples(ASK, 2, Sampling(temperature=1e-4)) == [likeliest] * 2
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give more than 0"):
        Sampling(**wrong)  # type: ignore[arg-type]
