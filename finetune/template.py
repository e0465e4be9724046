"""Turns conversations into the text and tokens that a model reads, the same way in training and in
answering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Messages = Sequence[Mapping[str, str]]
Tokenizer = Any  # transformers' tokenizers have no common typed surface
IGNORED = -100  # the label that cross-entropy leaves out

# For a tokenizer that comes without a chat template (a base model). Saved beside the adapter, so that a model
# answers in the layout it was trained in.
PLAIN_TEMPLATE = (
    "{BOS}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}\n\n"
    "{% elif message['role'] == 'assistant' %}### Answer:\n{{ message['content'] }}{{ eos_token }}\n\n"
    "{% else %}### Question:\n{{ message['content'] }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Answer:\n{% endif %}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One conversation in tokens. `labels` is IGNORED where no loss is taken."""

    input_ids: list[int]
    labels: list[int]
    cut: bool = False  # longer than max_length
    unlike_prompt: bool = False  # the prompt in training is not what the model sees when it answers


def load_tokenizer(folder: Path) -> Tokenizer:
    """The folder's tokenizer with a chat template, a padding token and an end token. Raises ValueError."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"'{folder}' holds no usable tokenizer ({_first_line(error)}).") from None
    if tokenizer.eos_token is None:
        raise ValueError(
            f"The tokenizer of '{folder}' has no end token (eos_token); the model could never stop."
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None:
        tokenizer.chat_template = plain_template(tokenizer)
    return tokenizer


def plain_template(tokenizer: Tokenizer) -> str:
    """PLAIN_TEMPLATE, opened by the start token where the tokenizer itself would write one."""
    starts = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [
        tokenizer.bos_token_id
    ]
    return PLAIN_TEMPLATE.replace("{BOS}", "{{ bos_token }}" if starts else "")


def render(tokenizer: Tokenizer, messages: Messages, *, answering: bool) -> str:
    """The conversation as text; `answering` opens the assistant's turn.

    A template that refuses a system turn (Gemma's) gets it at the head of the first user turn. Raises
    ValueError.
    """
    from jinja2 import TemplateError

    for attempt in (list(messages), _without_system(messages)):
        try:
            return str(
                tokenizer.apply_chat_template(attempt, tokenize=False, add_generation_prompt=answering)
            )
        except TemplateError as error:
            refused = _first_line(error)
    raise ValueError(f"The model's chat template refuses this conversation: {refused}")


def _without_system(messages: Messages) -> list[dict[str, str]]:
    system = "\n\n".join(turn["content"] for turn in messages if turn["role"] == "system")
    turns = [dict(turn) for turn in messages if turn["role"] != "system"]
    if system and turns:
        turns[0]["content"] = f"{system}\n\n{turns[0]['content']}"
    return turns


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Tokens of a rendered conversation; the template has already written the special ones."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode_row(tokenizer: Tokenizer, messages: Messages, max_length: int, stops: frozenset[int]) -> TokenRow:
    """Tokens with loss on the last assistant turn alone, its end token included. `stops` comes from
    stop_tokens."""
    prompt_text = render(tokenizer, messages[:-1], answering=True)
    whole_text = render(tokenizer, messages, answering=False)
    prompt, whole = encode(tokenizer, prompt_text), encode(tokenizer, whole_text)
    unlike = False
    if whole[: len(prompt)] != prompt and whole_text.startswith(prompt_text):
        # Tokens merged across the seam. When answering, the prompt is encoded alone: train on just that.
        whole = prompt + encode(tokenizer, whole_text[len(prompt_text) :])
    elif whole[: len(prompt)] != prompt:
        prompt, unlike = _common_prefix(prompt, whole), True
    ids, labels = _stopped(whole, len(prompt), stops, tokenizer.eos_token_id)
    return TokenRow(
        input_ids=ids[:max_length],
        labels=labels[:max_length],
        cut=len(ids) > max_length,
        unlike_prompt=unlike,
    )


def _common_prefix(prompt: list[int], whole: list[int]) -> list[int]:
    same = 0
    while same < min(len(prompt), len(whole)) and prompt[same] == whole[same]:
        same += 1
    return prompt[:same]


def _stopped(whole: list[int], prompt: int, stops: frozenset[int], eos: int) -> tuple[list[int], list[int]]:
    """Ends the answer at its last stop token, or adds one: what follows (a line break) is never generated."""
    last = next((at for at in range(len(whole) - 1, prompt - 1, -1) if whole[at] in stops), None)
    answer = [*whole[prompt:], eos] if last is None else whole[prompt : last + 1]
    return whole[:prompt] + answer, [IGNORED] * prompt + answer


def stop_tokens(tokenizer: Tokenizer, generation_config: Any = None) -> frozenset[int]:
    """Tokens that end an answer: the tokenizer's, the generation config's, and the one the template writes
    after one.

    A chat template often closes a turn with a token that is not eos_token (<|im_end|>, <end_of_turn>); a
    model that does not stop there never stops.
    """
    found = {tokenizer.eos_token_id}
    configured = getattr(generation_config, "eos_token_id", None)
    found |= set(configured) if isinstance(configured, (list, tuple)) else {configured}
    probe = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "qz"}]
    tail = render(tokenizer, probe, answering=False).rpartition("qz")[2]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    found |= {token for token in encode(tokenizer, tail)[:1] if token in special}
    return frozenset(token for token in found if token is not None)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
