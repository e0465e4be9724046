"""Ollama's template is that of the model, or there is none."""

from __future__ import annotations

import pytest
from chat_formats import FORMATS, tokenizer_of

from finetune.modelfile import go_template, modelfile, turns
from finetune.template import stop_tokens

# Mistral's puts the system text into the last question, Qwen3's an empty thought before the newest answer alone.
WITHOUT = {"mistral", "qwen3"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_published_format_is_kept_where_it_is_a_sequence_of_turns(name: str) -> None:
    tokenizer = tokenizer_of(name)
    found = turns(tokenizer)
    assert (found is None) == (name in WITHOUT)
    text, has_template = modelfile(tokenizer, stop_tokens(tokenizer), ".")
    assert has_template == ("TEMPLATE" in text) == (found is not None)
    assert text.startswith("FROM .\n") and "PARAMETER stop" in text


def test_a_default_system_text_is_said_in_the_modelfile() -> None:
    tokenizer = tokenizer_of("qwen2.5")
    text, _ = modelfile(tokenizer, stop_tokens(tokenizer), ".")
    assert 'SYSTEM """You are a helpful assistant."""' in text


def test_a_system_text_may_open_the_users_turn() -> None:
    found = turns(tokenizer_of("gemma"))
    assert found is not None and go_template(found) == (
        "{{ if .System }}<start_of_turn>user\n{{ .System }}\n\n{{ else }}<start_of_turn>user\n{{ end }}"
        "{{ .Prompt }}<end_of_turn>\n<start_of_turn>model\n{{ .Response }}<end_of_turn>\n"
    )


def test_what_is_no_sequence_of_turns_has_no_template() -> None:
    tokenizer = tokenizer_of("chatml")
    before = tokenizer.chat_template
    try:
        tokenizer.chat_template = "{% for m in messages %}{{ loop.index }}:{{ m['content'] }}\n{% endfor %}"
        assert turns(tokenizer) is None
    finally:
        tokenizer.chat_template = before  # the tokenizer is shared
