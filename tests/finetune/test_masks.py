"""In the chat format of every family the model learns the answers and their ends, and nothing else."""

from __future__ import annotations

import copy
from itertools import groupby
from typing import Any

import pytest
from chat_formats import FORMATS, TALK, tokenizer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.template import IGNORED, TokenRow, encode, encode_rows, render, stop_tokens, told_to_think

NAMES = sorted(FORMATS)


def rows_of(name: str, talk: list[dict[str, str]], length: int = 4000) -> tuple[Any, list[TokenRow]]:
    tokenizer = tokenizer_of(name)
    return tokenizer, encode_rows(tokenizer, talk, length, stop_tokens(tokenizer))


def learned(tokenizer: Any, row: TokenRow) -> list[str]:
    """Each stretch of the row on which loss is taken."""
    pairs = zip(row.input_ids, row.labels, strict=True)
    runs = [(on, [token for token, _ in run]) for on, run in groupby(pairs, lambda pair: pair[1] != IGNORED)]
    return [tokenizer.decode(tokens) for on, tokens in runs if on]


@pytest.mark.parametrize("name", NAMES)
def test_golden_masks(name: str) -> None:
    tokenizer, rows = rows_of(name, TALK)
    shown = []
    for row in rows:
        pairs = zip(row.input_ids, row.labels, strict=True)
        text = ""
        for on, run in groupby(pairs, lambda pair: pair[1] != IGNORED):
            piece = tokenizer.decode([token for token, _ in run])
            text += f"«{piece}»" if on else piece
        shown.append(text)
    assert tuple(shown) == FORMATS[name].golden


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_follows_exactly_what_the_model_is_sent_when_it_answers(name: str) -> None:
    tokenizer, rows = rows_of(name, TALK)
    for at in (2, 4):
        prompt = encode(tokenizer, render(tokenizer, TALK[:at], answering=True))
        following = [row for row in rows if row.input_ids[: len(prompt)] == prompt]
        assert any(row.labels[len(prompt)] != IGNORED == row.labels[len(prompt) - 1] for row in following)
    assert not any(row.unlike_prompt for row in rows)


words = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="<[«"), min_size=1, max_size=30
).filter(lambda text: text.strip() == text and text != "")
exchanges = st.lists(st.tuples(words, words), min_size=1, max_size=3)


@pytest.mark.parametrize("name", NAMES)
@given(said=exchanges, system=st.none() | words)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_what_is_learned_is_the_answers_and_their_ends(
    name: str, said: list[tuple[str, str]], system: str | None
) -> None:
    talk = [{"role": "system", "content": system}] if system else []
    for question, answer in said:
        talk += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    tokenizer, rows = rows_of(name, talk)
    chosen = FORMATS[name]
    found = [piece for row in rows for piece in learned(tokenizer, row)]
    assert found == [f"{chosen.before}{answer}{chosen.end}" for _, answer in said]
    ends = tokenizer.convert_tokens_to_ids(chosen.end)
    assert sum(row.labels.count(ends) for row in rows) == len(said)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_row_is_cut_and_counts_what_it_lost(name: str) -> None:
    tokenizer, whole = rows_of(name, TALK)
    _, cut = rows_of(name, TALK, 20)
    assert [len(row.input_ids) + row.lost for row in cut] == [len(row.input_ids) for row in whole]
    assert all(len(row.input_ids) <= 20 for row in cut)


def test_a_tokenizer_that_joins_line_breaks_to_what_follows_still_learns_what_it_will_be_sent() -> None:
    from tokenizers import pre_tokenizers

    tokenizer = copy.deepcopy(tokenizer_of("llama3"))
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rows = encode_rows(tokenizer, TALK, 400, stop_tokens(tokenizer))
    assert (
        len(rows) == 2
    )  # "\n\n" before an answer and alone are other tokens: each answer gets its own prompt
    for row, at in zip(rows, (2, 4), strict=True):
        prompt = encode(tokenizer, render(tokenizer, TALK[:at], answering=True))
        assert row.input_ids[: len(prompt)] == prompt
        assert learned(tokenizer, row) == [TALK[at]["content"] + "<|eot_id|>"]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_answer_alone_can_be_asked_for(name: str) -> None:
    tokenizer = tokenizer_of(name)
    (row,) = encode_rows(tokenizer, TALK, 400, stop_tokens(tokenizer), answers="last")
    assert learned(tokenizer, row) == [f"{FORMATS[name].before}九点到五点。{FORMATS[name].end}"]


def test_a_turn_of_weight_0_is_read_and_not_learned() -> None:
    talk = [*TALK[:2], {**TALK[2], "weight": "0"}, *TALK[3:]]
    tokenizer, (row,) = rows_of("chatml", talk)
    assert learned(tokenizer, row) == ["九点到五点。<|im_end|>"]
    assert "Thirty days." in tokenizer.decode(row.input_ids)


def test_answers_that_think_are_learned_with_their_thinking_if_the_template_is_told_so() -> None:
    thought = "<think>\nLook it up.\n</think>\n\nThirty days."
    talk = [
        TALK[1],
        {"role": "assistant", "content": thought},
        TALK[3],
        {"role": "assistant", "content": thought},
    ]
    tokenizer = copy.deepcopy(tokenizer_of("qwen3"))
    rows = encode_rows(tokenizer, talk, 400, stop_tokens(tokenizer))
    assert all(row.unlike_prompt for row in rows)  # the prompt holds an empty thought, the answer another
    told = told_to_think(tokenizer, [thought])
    rows = encode_rows(told, talk, 400, stop_tokens(told))
    assert [learned(told, row) for row in rows] == [[f"{thought}<|im_end|>"]] * 2
    assert "Look it up." not in told.decode(rows[1].input_ids[:60])  # an earlier turn's thinking is not read
    assert not any(row.unlike_prompt for row in rows)
    assert render(told, talk[:1], answering=True).endswith("<|im_start|>assistant\n")


def test_answers_that_do_not_think_leave_the_template_as_it_is() -> None:
    tokenizer = copy.deepcopy(tokenizer_of("qwen3"))
    before = tokenizer.chat_template
    assert told_to_think(tokenizer, ["Thirty days."]).chat_template == before
