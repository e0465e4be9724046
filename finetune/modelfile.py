"""Writes an Ollama Modelfile whose template is the chat template of a model, and says so where it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from finetune.template import Messages, render

SYSTEM, USER, ANSWER = (
    "\u00a7system\u00a7",
    "\u00a7user\u00a7",
    "\u00a7answer\u00a7",
)  # found again in what is rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What a chat template writes around each turn. A system text may be a turn of its own or open the user's."""

    before_system: str
    between_system_and_user: str
    before_user: str  # where no system text stands before it
    after_user: str  # up to where the answer begins
    after_answer: str


def modelfile(tokenizer: Any, stops: frozenset[int], weights: str) -> tuple[str, bool]:
    """The Modelfile for `weights` (a folder or a .gguf beside it), and whether it carries the template: one that is
    no plain sequence of turns has none in Ollama's language, and Ollama then takes what the weights bring."""
    lines = [f"FROM {weights}"]
    found = turns(tokenizer)
    if found is not None:
        lines += [f'TEMPLATE """{go_template(found)}"""']
    words = sorted({tokenizer.decode([token]) for token in stops})
    lines += [f'PARAMETER stop "{word}"' for word in words if word.strip() and '"' not in word]
    return "\n".join([*lines, "PARAMETER temperature 0", ""]), found is not None


def go_template(found: Turns) -> str:
    """The turns in Ollama's language (Go's text/template), which it fills once for each question and answer."""
    system = f"{found.before_system}{{{{ .System }}}}{found.between_system_and_user}"
    opening = f"{{{{ if .System }}}}{system}{{{{ else }}}}{found.before_user}{{{{ end }}}}"
    return f"{opening}{{{{ .Prompt }}}}{found.after_user}{{{{ .Response }}}}{found.after_answer}"


def turns(tokenizer: Any) -> Turns | None:
    """Read off three renderings, and kept only where they give two longer conversations again, letter by letter."""
    try:
        asked = _text(tokenizer, [("user", USER)], answering=True)
        told = _text(tokenizer, [("system", SYSTEM), ("user", USER)], answering=True)
        answered = _text(tokenizer, [("user", USER), ("assistant", ANSWER)], answering=False)
    except ValueError:
        return None
    once = (asked, USER), (told, SYSTEM), (told, USER), (answered, ANSWER)
    if any(text.count(word) != 1 for text, word in once):
        return None
    before_system, rest = told.split(SYSTEM)
    found = Turns(
        before_system=before_system,
        between_system_and_user=rest.split(USER)[0],
        before_user=asked.split(USER)[0],
        after_user=asked.split(USER)[1],
        after_answer=answered.split(ANSWER)[1],
    )
    return found if _gives_again(found, tokenizer) else None


def _gives_again(found: Turns, tokenizer: Any) -> bool:
    talk = [("user", "a?"), ("assistant", "b."), ("user", "c?")]
    try:
        return _written(found, "", talk) == _text(tokenizer, talk, answering=True) and _written(
            found, "d", talk
        ) == _text(tokenizer, [("system", "d"), *talk], answering=True)
    except ValueError:
        return False


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


def _text(tokenizer: Any, conversation: list[tuple[str, str]], *, answering: bool) -> str:
    """As the template writes it, but for the start token: Ollama puts that before everything by itself."""
    messages: Messages = [{"role": role, "content": text} for role, text in conversation]
    text = render(tokenizer, messages, answering=answering)
    return text.removeprefix(tokenizer.bos_token or "")
