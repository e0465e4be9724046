"""The model sees in training what it sees when it answers, and learns the answer and its end alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.template import IGNORED, encode, encode_row, load_tokenizer, render, stop_tokens

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Refund window?"},
    {"role": "assistant", "content": "Thirty days."},
]


@pytest.mark.parametrize("model", ["tiny_llama", "plain_llama"])
def test_loss_is_taken_on_the_answer_and_its_end_exactly(model: str, request: pytest.FixtureRequest) -> None:
    tokenizer = load_tokenizer(request.getfixturevalue(model))
    row = encode_row(tokenizer, TALK, 200, stop_tokens(tokenizer))
    prompt = encode(tokenizer, render(tokenizer, TALK[:-1], answering=True))
    answer = encode(tokenizer, "Thirty days.") + [tokenizer.eos_token_id]
    assert row.input_ids == prompt + answer
    assert row.labels == [IGNORED] * len(prompt) + answer
    assert not row.cut and not row.unlike_prompt


def test_only_the_last_answer_of_a_conversation_is_learned(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    talk = [
        *TALK,
        {"role": "user", "content": "And hours?"},
        {"role": "assistant", "content": "Nine to five."},
    ]
    row = encode_row(tokenizer, talk, 200, stop_tokens(tokenizer))
    learned = [label for label in row.labels if label != IGNORED]
    assert tokenizer.decode(learned) == "Nine to five.<|im_end|>"


def test_a_template_that_never_stops_gets_an_end_token(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    row = encode_row(tokenizer, TALK[1:], 200, stop_tokens(tokenizer))
    assert row.labels[-1] == tokenizer.eos_token_id


def test_the_token_that_closes_a_turn_stops_an_answer_though_it_is_not_eos(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    tokenizer.eos_token = "<|endoftext|>"
    stops = stop_tokens(tokenizer)
    assert {tokenizer.convert_tokens_to_ids(name) for name in ("<|im_end|>", "<|endoftext|>")} <= stops
    assert encode_row(tokenizer, TALK, 200, stops).labels[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_a_template_without_a_system_role_gets_it_in_the_first_user_turn(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        + tokenizer.chat_template
    )
    text = render(tokenizer, TALK[:2], answering=True)
    assert text.startswith("<|im_start|>user\nBe brief.\n\nRefund window?")


def test_a_conversation_that_the_template_refuses_is_one_line(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(ValueError, match="refuses this conversation: roles must alternate"):
        render(tokenizer, TALK, answering=True)


def test_tokens_that_merge_across_the_seam_do_not_change_the_prompt(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    tokenizer.chat_template = "{{ messages | map(attribute='content') | join }}"
    text = "refund window"
    whole = encode(tokenizer, text)
    # A place inside a token: what comes before it is other tokens when it stands alone.
    seam = next(at for at in range(3, len(text)) if encode(tokenizer, text[:at])[-1] not in whole)
    talk = [{"role": "user", "content": text[:seam]}, {"role": "assistant", "content": text[seam:]}]
    row = encode_row(tokenizer, talk, 200, stop_tokens(tokenizer))
    prompt = encode(tokenizer, text[:seam])
    assert row.input_ids[: len(prompt)] == prompt
    assert tokenizer.decode([label for label in row.labels if label != IGNORED]) == text[seam:] + "<|im_end|>"


def test_a_row_that_is_too_long_is_cut_and_says_so(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    row = encode_row(tokenizer, TALK, 12, stop_tokens(tokenizer))
    assert (len(row.input_ids), len(row.labels), row.cut) == (12, 12, True)
