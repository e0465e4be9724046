"""Writes an Ollama Modelfile whose template is the chat template of a model, and says so where it cannot be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from finetune.template import Messages, render

# Words that are found again in what a template makes of them.
SYSTEM, FIRST, ANSWER, SECOND = "§system§", "§first§", "§answer§", "§second§"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What a chat template writes around each turn. A system text may be a turn of its own or open the user's."""

    before_system: str
    between_system_and_user: str
    before_user: str  # where no system text stands before it
    after_user: str  # up to where the answer begins
    after_answer: str
    default_system: str = ""  # that the template gives to who gives none


def modelfile(tokenizer: Any, stops: frozenset[int], weights: str) -> tuple[str, bool]:
    """The Modelfile for `weights` (a folder or a .gguf beside it), and whether it carries the template: one that is
    no plain sequence of turns has none in Ollama's language, and Ollama then takes what the weights bring."""
    lines = [f"FROM {weights}"]
    found = turns(tokenizer)
    if found is not None:
        lines += [f'TEMPLATE """{go_template(found)}"""']
        lines += [f'SYSTEM """{found.default_system}"""'] if found.default_system else []
    words = sorted({tokenizer.decode([token]) for token in stops})
    lines += [f'PARAMETER stop "{word}"' for word in words if word.strip() and '"' not in word]
    return "\n".join([*lines, "PARAMETER temperature 0", ""]), found is not None


def go_template(found: Turns) -> str:
    """The turns in Ollama's language (Go's text/template), which it fills once for each question and answer."""
    system = f"{found.before_system}{{{{ .System }}}}{found.between_system_and_user}"
    opening = f"{{{{ if .System }}}}{system}{{{{ else }}}}{found.before_user}{{{{ end }}}}"
    return f"{opening}{{{{ .Prompt }}}}{found.after_user}{{{{ .Response }}}}{found.after_answer}"


def turns(tokenizer: Any) -> Turns | None:
    """Read off two renderings, and kept only where they give other conversations again, letter by letter."""
    talk = [("user", FIRST), ("assistant", ANSWER), ("user", SECOND)]
    try:
        short = _text(tokenizer, talk[:1])
        long = _text(tokenizer, [("system", SYSTEM), *talk])
    except ValueError:
        return None
    parts = re.split("|".join((SYSTEM, FIRST, ANSWER, SECOND)), long)
    if len(parts) != 5 or short.count(FIRST) != 1:
        return None
    before_system, between, _, before_second, after_user = parts
    before_user, default = short.split(FIRST)[0], ""
    if before_user.startswith(before_system) and before_user.endswith(between):
        default = before_user[len(before_system) : len(before_user) - len(between)]
    if default:  # of a user's turn that follows an answer, what one that follows the system text ends in too
        before_user = commonprefix([before_second[::-1], between[::-1]])[::-1]
    found = Turns(
        before_system=before_system,
        between_system_and_user=between,
        before_user=before_user,
        after_user=after_user,
        after_answer=before_second.removesuffix(before_user),
        default_system=default,
    )
    return found if _gives_again(found, tokenizer) else None


def _gives_again(found: Turns, tokenizer: Any) -> bool:
    talk = [("user", "a?"), ("assistant", "b."), ("user", "c?")]
    try:
        wanted = _text(tokenizer, talk), _text(tokenizer, [("system", "d"), *talk])
    except ValueError:
        return False
    return (_written(found, found.default_system, talk), _written(found, "d", talk)) == wanted


def _written(found: Turns, system: str, talk: list[tuple[str, str]]) -> str:
    """As Ollama would fill the template: the system text goes with the first question."""
    text = ""
    for role, said in talk:
        if role == "assistant":
            text += said + found.after_answer
            continue
        opening = (
            found.before_system + system + found.between_system_and_user if system else found.before_user
        )
        text, system = text + opening + said + found.after_user, ""
    return text


def _text(tokenizer: Any, conversation: list[tuple[str, str]]) -> str:
    """As the template opens the next answer, but for the start token: Ollama puts that before everything by itself."""
    messages: Messages = [{"role": role, "content": text} for role, text in conversation]
    return render(tokenizer, messages, answering=True).removeprefix(tokenizer.bos_token or "")
