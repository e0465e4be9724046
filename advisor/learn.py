"""What the data tells about questions that the user left open; an answer that was given is never overruled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .schema import DataProfile, Needs

# Share of answers found verbatim in the documents: above the first the gap is one of knowledge, below the second the
# documents do not hold the answers, so what the examples teach is a behaviour. Between them nothing is concluded.
_KNOWLEDGE_FROM, _BEHAVIOUR_UNTIL = 0.5, 0.1
_SECOND_LANGUAGE = 0.15  # share of tokens from which a language counts


def learn_needs(data: DataProfile | None, needs: Needs) -> tuple[Needs, dict[str, str]]:
    """The needs with open questions filled in from the data, and for each of those a sentence that says how."""
    found: dict[str, tuple[Any, str]] = {}
    if data is not None and data.files:
        found["corpus_tokens"] = (data.tokens, f"about {data.tokens:,} tokens in {data.files:,} documents")
        found["unlabelled_tokens"] = found["corpus_tokens"]
    if data is not None:
        found.update(_from_examples(data))
        language = _language(data)
        if language:
            found["language"] = (language, "characters counted in your files")
    missing = {key: pair for key, pair in found.items() if getattr(needs, key) is None}
    filled = replace(needs, **{key: value for key, (value, _) in missing.items()})
    return filled, {key: how for key, (_, how) in missing.items()}


def _from_examples(data: DataProfile) -> dict[str, tuple[Any, str]]:
    rows = data.examples
    if rows is None:
        return {}
    where = rows.path or "the examples"
    found: dict[str, tuple[Any, str]] = {}
    if rows.kind in ("qa", "labels", "messages"):
        found["labelled_examples"] = (rows.rows, f"{rows.rows:,} rows in {where}")
    if rows.kind == "labels":
        found["task"] = ("classification", f"rows of {where} carry a label")
        found["gap"] = (
            "behaviour",
            f"labels such as {', '.join(list(rows.labels)[:3])} are taught, not looked up",
        )
    elif rows.kind == "qa":
        found["task"] = ("qa", f"rows of {where} are questions with answers")
    if rows.quotes:
        found["needs_citations"] = (True, f"rows of {where} name the passage that supports them")
    share = rows.answers_in_documents
    if share is not None and share >= _KNOWLEDGE_FROM:
        found["gap"] = ("knowledge", f"{share:.0%} of the answers stand in your documents")
    elif share is not None and share <= _BEHAVIOUR_UNTIL:
        found["gap"] = ("behaviour", f"only {share:.0%} of the answers stand in your documents")
    return found


def _language(data: DataProfile) -> str | None:
    shares = data.languages or (data.examples.languages if data.examples else {})
    present = [name for name in ("en", "zh") if shares.get(name, 0) >= _SECOND_LANGUAGE]
    return "both" if len(present) == 2 else (present[0] if present else None)
