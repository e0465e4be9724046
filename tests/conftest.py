"""Models small enough to train in seconds, with real tokenizers; built once, never downloaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

# Before any test imports a library that reads them: nothing may ask a hub, and threads would fight for two cores.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = [
    "The refund window is thirty days from the date of delivery.",
    "Opening hours are nine to five from Monday to Friday.",
    "Revenue rose by twelve per cent; profit fell in the third quarter.",
    "Which sources say so? Answer the question with the passages below.",
    "退款期限为三十天，请保留收据。利润增长，股价下跌。",
]


def make_tokenizer(template: str | None = CHATML) -> Any:
    """A byte-level BPE tokenizer, trained here; any text can be written in it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        SENTENCES * 3, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>" if template else "<|endoftext|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    tokenizer.chat_template = template
    return tokenizer


def save_tiny_model(
    folder: Path, kind: str, *, template: str | None = CHATML, seed: int = 0, **shape: Any
) -> Path:
    """A random two-layer causal language model ("llama" or "qwen2") with its tokenizer, as a model folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = make_tokenizer(template)
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        hidden_size=shape.get("hidden_size", 32),
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=shape.get("context", 256),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several workers (pytest-xdist) one gets a whole file, so that its fixtures are built once, and one gets all
    tests on `trained_pairs`, which takes longest to build."""
    for item in items:
        shared = "trained_pairs" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("trained_pairs" if shared else str(item.path)))


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Llama with a ChatML template."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama")


@pytest.fixture(scope="session")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Qwen2 with a ChatML template."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-qwen2", "qwen2")


@pytest.fixture(scope="session")
def plain_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Llama whose tokenizer has no chat template, as base models come."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "plain-llama", "llama", template=None, seed=1)


@pytest.fixture(scope="session")
def build_tiny_model() -> Any:
    """save_tiny_model(folder, kind, template=..., seed=..., context=...), for tests that need another shape."""
    return save_tiny_model


@pytest.fixture(scope="session")
def trained_pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """Every method × objective that works, after ten steps on a small random model."""
    from trained_pairs import pairs, train_all

    return train_all(tmp_path_factory.mktemp("pairs"), pairs())
