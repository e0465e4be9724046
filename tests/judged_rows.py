"""Judged answers that the tests of preferences share: the polite ending is the better one, whatever is asked."""

from __future__ import annotations

from typing import Any

from finetune.schema import Example


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def pair(question: str, better: str, worse: str, **fields: Any) -> Example:
    return Example(
        messages=(turn("user", question),),
        chosen=(turn("assistant", better),),
        rejected=(turn("assistant", worse),),
        **fields,
    )


def thumb(question: str, answer: str, liked: bool, **fields: Any) -> Example:
    return Example(messages=(turn("user", question), turn("assistant", answer)), thumb=liked, **fields)


def pairs(count: int = 30) -> list[Example]:
    return [
        pair(f"Item {n}?", f"{n} is blue, thanks.", f"{n} is blue, ok.", line=n + 1) for n in range(count)
    ]


def thumbs(count: int = 30) -> list[Example]:
    """Two answers to each question, of which every third one's bad one is missing."""
    found = []
    for n in range(count):
        found.append(thumb(f"Item {n}?", f"{n} is blue, thanks.", True, line=2 * n + 1))
        if n % 3:
            found.append(thumb(f"Item {n}?", f"{n} is blue, ok.", False, line=2 * n + 2))
    return found
