"""How many tokens the prompt of a generator may have, and who counts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# For a server that does not say what it reads: the smallest context that servers are started with by default.
DEFAULT_CONTEXT_TOKENS = 4096
DEFAULT_ANSWER_TOKENS = 512


def prompt_room(generator: Any) -> tuple[int | None, Callable[[str], int] | None]:
    """Tokens for the prompt (None: any number) and how they are counted (None: by estimate).

    A generator says `context_tokens` (prompt and answer together), `max_new_tokens` and `count_tokens` where it knows.
    """
    if getattr(generator, "quotes", False):  # it reads no prompt
        return None, None
    context: int = getattr(generator, "context_tokens", None) or DEFAULT_CONTEXT_TOKENS
    answer: int = getattr(generator, "max_new_tokens", None) or DEFAULT_ANSWER_TOKENS
    return context - min(answer, context // 4), getattr(generator, "count_tokens", None)
