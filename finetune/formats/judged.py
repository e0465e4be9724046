"""Rows that say which answer is better: pairs of a chosen and a rejected one, and answers with a thumb."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from finetune.formats.conversations import Turn, answer_turns, opened, prompt_turns, turns
from finetune.schema import Example

Row = Mapping[str, Any]
_UP = {"true", "1", "up", "yes", "good", "like", "thumbs_up", "👍", "赞", "好"}
_DOWN = {"false", "0", "-1", "down", "no", "bad", "dislike", "thumbs_down", "👎", "踩", "差"}
# Anthropic's helpful-and-harmless pairs: a whole dialogue in one string.
_SPEAKER = re.compile(r"\n\n(Human|Assistant):")


def pair(row: Row) -> Example:
    """The shared beginning as `messages`, then the two endings; without one the dialogue's own is found."""
    chosen, rejected = _ending(row["chosen"], "chosen"), _ending(row["rejected"], "rejected")
    prompt = _prompt(row)
    if not prompt:
        same = next(
            (at for at, pair in enumerate(zip(chosen, rejected, strict=False)) if pair[0] != pair[1]), 0
        )
        prompt, chosen, rejected = chosen[:same], chosen[same:], rejected[same:]
    if chosen[: len(prompt)] == prompt:  # trl's implicit prompt, given a second time
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
    if chosen == rejected:
        raise ValueError("'chosen' and 'rejected' are equal; neither is preferred.")
    for name, ending in (("chosen", chosen), ("rejected", rejected)):
        if not ending or ending[-1]["role"] != "assistant":
            raise ValueError(f"'{name}' must end with the assistant's turn.")
    return Example(
        messages=opened(prompt, row.get("system")) if prompt else (), chosen=chosen, rejected=rejected
    )


def _prompt(row: Row) -> tuple[Turn, ...]:
    given = row.get("prompt")
    if isinstance(given, Mapping):  # OpenAI's preference rows: {"messages": [...]}
        given = given.get("messages")
    if given:
        return prompt_turns(given)
    return turns(row["conversations"], "conversations") if row.get("conversations") else ()


def _ending(value: Any, column: str) -> tuple[Turn, ...]:
    if isinstance(value, str) and _SPEAKER.match(value):
        return _dialogue(value)
    return answer_turns(value, column)


def _dialogue(text: str) -> tuple[Turn, ...]:
    parts = _SPEAKER.split(text)[1:]
    role = {"Human": "user", "Assistant": "assistant"}
    said = zip(parts[::2], parts[1::2], strict=True)
    return tuple({"role": role[speaker], "content": words.strip()} for speaker, words in said)


def thumb(row: Row) -> Example:
    column = next(name for name in ("label", "feedback", "thumbs", "thumb") if name in row)
    asked = prompt_turns(row["prompt"])
    said = answer_turns(row["completion"], "completion")
    return Example(messages=opened([*asked, *said], row.get("system")), thumb=_liked(row[column], column))


def _liked(value: Any, column: str) -> bool:
    word = str(int(value)) if isinstance(value, float) and value == int(value) else str(value).strip().lower()
    if word in _UP:
        return True
    if word in _DOWN:
        return False
    raise ValueError(f"'{column}' is {value!r}; a thumb is true or false, 1 or 0, up or down.")
