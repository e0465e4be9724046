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
    """What a chat template writes around each turn."""

    before_system: str
    after_system: str
    before_user: str
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
    """The turns in Ollama's language (Go's text/template)."""
    system = f"{{{{ if .System }}}}{found.before_system}{{{{ .System }}}}{found.after_system}{{{{ end }}}}"
    user = f"{{{{ if .Prompt }}}}{found.before_user}{{{{ .Prompt }}}}{found.after_user}{{{{ end }}}}"
    return f"{system}{user}{{{{ .Response }}}}{found.after_answer}"


def turns(tokenizer: Any) -> Turns | None:
    """Read off three renderings, and kept only where they give two longer conversations again, letter by letter."""
    try:
        asked = _text(tokenizer, [("user", USER)], answering=True)
        told = _text(tokenizer, [("system", SYSTEM), ("user", USER)], answering=True)
        answered = _text(tokenizer, [("user", USER), ("assistant", ANSWER)], answering=False)
    except ValueError:
        return None
    if any(text.count(word) != 1 for text, word in ((asked, USER), (told, SYSTEM), (answered, ANSWER))):
        return None
    before_user, after_user = asked.split(USER)
    before_system, rest = told.split(SYSTEM)
    if not rest.endswith(before_user + USER + after_user):
        return None  # the system turn is not a turn of its own
    found = Turns(
        before_system=before_system,
        after_system=rest.removesuffix(before_user + USER + after_user),
        before_user=before_user,
        after_user=after_user,
        after_answer=answered.split(ANSWER)[1],
    )
    return found if _gives_again(found, tokenizer) else None


def _gives_again(found: Turns, tokenizer: Any) -> bool:
    talk = [("user", "a?"), ("assistant", "b."), ("user", "c?")]
    for conversation in (talk, [("system", "d"), *talk]):
        try:
            wanted = _text(tokenizer, conversation, answering=True)
        except ValueError:
            return False
        if _written(found, conversation) != wanted:
            return False
    return True


def _written(found: Turns, conversation: list[tuple[str, str]]) -> str:
    around = {
        "system": (found.before_system, found.after_system),
        "user": (found.before_user, found.after_user),
        "assistant": ("", found.after_answer),
    }
    return "".join(around[role][0] + text + around[role][1] for role, text in conversation)


def _text(tokenizer: Any, conversation: list[tuple[str, str]], *, answering: bool) -> str:
    """As the template writes it, but for the start token: Ollama puts that before everything by itself."""
    messages: Messages = [{"role": role, "content": text} for role, text in conversation]
    text = render(tokenizer, messages, answering=answering)
    return text.removeprefix(tokenizer.bos_token or "")
