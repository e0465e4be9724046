"""Rows that are questions and answers: alpaca, ShareGPT, OpenAI messages, prompt/completion and QA pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.formats.faults import EmptyAnswer
from finetune.formats.plain import written
from finetune.schema import Example

Row = Mapping[str, Any]
Turn = dict[str, str]
ROLES = {"system", "user", "assistant", "tool"}
# By the names that OpenAI, Gemma and ShareGPT's collections use.
_SAME_ROLE = {
    "developer": "system",
    "function": "tool",
    "model": "assistant",
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "function_response": "tool",
}


def turns(value: Any, column: str) -> tuple[Turn, ...]:
    """A list of turns in either spelling ("role" and "content", "from" and "value"). Raises ValueError."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(turn, Mapping) for turn in value):
        raise ValueError(f'\'{column}\' must be a list of {{"role": ..., "content": ...}}.')
    return tuple(_turn(turn) for turn in value)


def _turn(turn: Row) -> Turn:
    given = turn.get("role", turn.get("from"))
    role = _SAME_ROLE.get(str(given), str(given))
    if role not in ROLES:
        raise ValueError(f"role {given!r} is unknown; choose one of {sorted(ROLES)}.")
    if turn.get("tool_calls") and not turn.get("content"):
        raise ValueError(
            "a turn holds tool_calls and no text; write the call into its 'content' as the model should."
        )
    text = _content(turn["content"] if "content" in turn else turn.get("value"))
    if not text.strip() and role == "assistant":
        raise EmptyAnswer("an assistant's turn is empty.")
    if not text.strip() and role == "user":
        raise ValueError("'content' is empty.")
    # Of OpenAI's format: an answer that is read and not learned.
    unlearned = {"weight": "0"} if turn.get("weight") in (0, "0", False) and "weight" in turn else {}
    return {"role": role, "content": text, **unlearned}


def _content(value: Any) -> str:
    """A turn's text; OpenAI's list of parts when all are text."""
    if isinstance(value, list):
        if not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in value):
            raise ValueError("'content' has parts that are no text; only text can be learned.")
        return "".join(part["text"] for part in value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"'content' must be text, not {type(value).__name__}.")
    return str(value)


def opened(turns: Sequence[Turn], system: Any = None) -> tuple[Turn, ...]:
    """The turns behind the row's system text, if it has one. Raises ValueError where nobody asks anything."""
    given = str(system or "").strip()
    head = ({"role": "system", "content": given},) if given and turns[0]["role"] != "system" else ()
    first = next((turn["role"] for turn in turns if turn["role"] != "system"), "")
    if first == "assistant":
        raise ValueError("the assistant speaks first; the first message must be the user's.")
    return (*head, *turns)


def _conversation(found: Sequence[Turn], system: Any = None) -> Example:
    if len(found) < 2 or found[-1]["role"] != "assistant":
        raise ValueError("the last message must be the assistant's: it is what is learned.")
    if all(turn.get("weight") == "0" for turn in found if turn["role"] == "assistant"):
        raise ValueError("every answer has the weight 0; nothing would be learned.")
    return Example(messages=opened(found, system))


def asked(row: Row) -> Example:
    """Messages up to a question or an answer."""
    found = turns(row["messages"], "messages")
    if not any(turn["role"] == "user" for turn in found):
        raise ValueError("no message is the user's: nothing is asked.")
    return Example(messages=opened(found, row.get("system")))


def prompt(row: Row) -> Example:
    """A question alone."""
    return Example(messages=opened(prompt_turns(row["prompt"]), row.get("system")))


def messages(row: Row) -> Example:
    return _conversation(turns(row["messages"], "messages"), row.get("system"))


def sharegpt(row: Row) -> Example:
    return _conversation(turns(row["conversations"], "conversations"), row.get("system"))


def prompt_turns(value: Any, column: str = "prompt") -> tuple[Turn, ...]:
    """A prompt that is a text or a list of turns."""
    if isinstance(value, list):
        return turns(value, column)
    return ({"role": "user", "content": written({column: value}, column)},)


def answer_turns(value: Any, column: str) -> tuple[Turn, ...]:
    """An answer that is a text, a turn, or a list of turns. Raises EmptyAnswer."""
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        found = turns(value, column)
        if not found:
            raise EmptyAnswer(f"'{column}' is empty.")
        return found
    if value is None:
        raise EmptyAnswer(f"'{column}' is missing.")
    if isinstance(value, str) and not value.strip():
        raise EmptyAnswer(f"'{column}' is empty.")
    return ({"role": "assistant", "content": written({column: value}, column)},)


def prompt_completion(row: Row) -> Example:
    asked, said = prompt_turns(row["prompt"]), answer_turns(row["completion"], "completion")
    return _conversation([*asked, *said], row.get("system"))


def alpaca(row: Row) -> Example:
    task, given = written(row, "instruction"), str(row.get("input") or "").strip()
    history = [turn for pair in row.get("history") or () for turn in _exchange(pair)]
    asked = {"role": "user", "content": f"{task}\n\n{given}" if given else task}
    return _conversation([*history, asked, *answer_turns(row["output"], "output")], row.get("system"))


def _exchange(pair: Any) -> tuple[Turn, ...]:
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ValueError("'history' must be a list of [question, answer].")
    return (*prompt_turns(pair[0], "history"), *answer_turns(pair[1], "history"))


def question(row: Row) -> Example | None:
    """A question, behind the passage that it is about where the row holds one (SQuAD's context)."""
    answer = _first_answer(row.get("answer"))
    open_end = _says(row, "answerable", "false", "0", "no") or _says(row, "is_impossible", "true", "1", "yes")
    if open_end and not str(answer or "").strip():
        return None
    passage = row.get("context")
    about = f"{passage}\n\n" if isinstance(passage, str) and passage.strip() else ""
    asked = {"role": "user", "content": about + written(row, "question")}
    return _conversation([asked, *answer_turns(answer, "answer")], row.get("system"))


def _first_answer(value: Any) -> Any:
    """Of several answers any is right; the first is learned. SQuAD's are {"text": [...]} or [{"text": ...}]."""
    if isinstance(value, (list, tuple)):
        return _first_answer(value[0]) if value else None
    return _first_answer(value.get("text")) if isinstance(value, Mapping) else value


def _says(row: Row, column: str, *words: str) -> bool:
    return str(row.get(column, "")).strip().lower() in words
