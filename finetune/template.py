"""Turns conversations into the text and tokens that a model reads, the same way in training and in
answering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.weights import end_tokens

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
    lost: int = 0  # tokens beyond max_length, the last answer's end among them
    unlike_prompt: bool = False  # the prompt in training is not what the model sees when it answers

    @property
    def cut(self) -> bool:
        return self.lost > 0


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


def told_to_think(tokenizer: Tokenizer, answers: Iterable[str]) -> Tokenizer:
    """The tokenizer as it is, or with a template that lets the model think where the answers to learn do so.

    The template is saved beside the adapter, so that the model is also asked to think when it answers.
    """
    template = str(tokenizer.chat_template)
    if "enable_thinking" in template and any("</think>" in answer for answer in answers):
        tokenizer.chat_template = "{%- set enable_thinking = true %}" + template
    return tokenizer


def plain_template(tokenizer: Tokenizer) -> str:
    """PLAIN_TEMPLATE, opened by the start token where the tokenizer itself would write one."""
    starts = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [
        tokenizer.bos_token_id
    ]
    return PLAIN_TEMPLATE.replace("{BOS}", "{{ bos_token }}" if starts else "")


def render(tokenizer: Tokenizer, messages: Messages, *, answering: bool) -> str:
    """The conversation as text; `answering` opens the assistant's turn.

    A template that refuses a system turn (Gemma's) gets it at the head of the first user turn. A template that
    can think first (Qwen3's) is told not to, in training and in answering alike, unless `told_to_think` changed
    it. Raises ValueError.
    """
    from jinja2 import TemplateError

    for attempt in (list(messages), _without_system(messages)):
        try:
            return str(
                tokenizer.apply_chat_template(
                    attempt, tokenize=False, add_generation_prompt=answering, enable_thinking=False
                )
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


def encode_rows(
    tokenizer: Tokenizer, messages: Messages, max_length: int, stops: frozenset[int], *, answers: str = "all"
) -> list[TokenRow]:
    """Tokens with loss on every assistant turn ("last": on that one alone), each with its end token. `stops` comes
    from stop_tokens.

    One row where the template only ever appends: then each answer follows exactly what the model would see. Some
    templates write earlier turns otherwise than the last (Qwen3 drops their thinking, Mistral moves the system
    turn); then each answer gets a row of its own. A turn with "weight": "0" is read and not learned.
    """
    learned = [
        at for at, turn in enumerate(messages) if turn["role"] == "assistant" and turn.get("weight") != "0"
    ]
    if answers == "last":
        learned = learned[-1:]
    if len(learned) > 1:
        together = _all_answers(tokenizer, messages[: learned[-1] + 1], learned, stops)
        if together is not None:
            return [_shortened(*together, max_length)]
    return [encode_row(tokenizer, messages[: at + 1], max_length, stops) for at in learned]


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
        prompt, unlike = whole[: _common(prompt, whole)], True
    last = _closing(tokenizer, whole, len(prompt), len(whole), stops)
    ids = [*whole, tokenizer.eos_token_id] if last is None else whole[: last + 1]
    labels = [IGNORED] * len(prompt) + ids[len(prompt) :]
    return _shortened(ids, labels, max_length, unlike=unlike)


def _all_answers(
    tokenizer: Tokenizer, messages: Messages, learned: Sequence[int], stops: frozenset[int]
) -> tuple[list[int], list[int]] | None:
    """Tokens and labels of a conversation in one row; None where the template does more than append."""
    whole = encode(tokenizer, render(tokenizer, messages, answering=False))
    labels, last = [IGNORED] * len(whole), 0
    for at in learned:
        prompt = encode(tokenizer, render(tokenizer, messages[:at], answering=True))
        so_far = encode(tokenizer, render(tokenizer, messages[: at + 1], answering=False))
        end = _closing(tokenizer, whole, len(prompt), _common(so_far, whole), stops)
        if whole[: len(prompt)] != prompt or end is None:
            return None
        last = end + 1
        labels[len(prompt) : last] = whole[len(prompt) : last]
    return whole[:last], labels[:last]


def _common(first: list[int], second: list[int]) -> int:
    """How many tokens both begin with."""
    most = min(len(first), len(second))
    return next((at for at in range(most) if first[at] != second[at]), most)


def _closing(
    tokenizer: Tokenizer, whole: list[int], start: int, end: int, stops: frozenset[int]
) -> int | None:
    """Where the answer that begins at `start` stops: at the first of the stop tokens that end the stretch.

    A template may write line breaks and a second end token after it (Phi-3 does); neither is ever generated.
    """
    found = None
    for at in range(end - 1, start - 1, -1):
        if whole[at] in stops:
            found = at
        elif tokenizer.decode([whole[at]]).strip():
            break
    return found


def _shortened(ids: list[int], labels: list[int], max_length: int, *, unlike: bool = False) -> TokenRow:
    lost = max(0, len(ids) - max_length)
    return TokenRow(input_ids=ids[:max_length], labels=labels[:max_length], lost=lost, unlike_prompt=unlike)


def stop_tokens(tokenizer: Tokenizer, generation_config: Any = None) -> frozenset[int]:
    """Tokens that end an answer: the tokenizer's, the generation config's, and the one the template writes
    after one.

    A chat template often closes a turn with a token that is not eos_token (<|im_end|>, <end_of_turn>); a
    model that does not stop there never stops.
    """
    found = {tokenizer.eos_token_id, closing_token(tokenizer)}
    configured = getattr(generation_config, "eos_token_id", None)
    found |= set(configured) if isinstance(configured, (list, tuple)) else {configured}
    return frozenset(token for token in found if token is not None)


def closing_token(tokenizer: Tokenizer) -> int | None:
    """The special token that the chat template writes right after an answer, or None where it writes none."""
    probe = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "qz"}]
    tail = render(tokenizer, probe, answering=False).rpartition("qz")[2]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    written = (token for token in encode(tokenizer, tail) if tokenizer.decode([token]).strip())
    first = next(written, None)
    return first if first in special else None


def stops_in(folder: Path, tokenizer: Tokenizer) -> frozenset[int]:
    """stop_tokens of a model folder that is not loaded."""
    return stop_tokens(tokenizer) | end_tokens(folder)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
