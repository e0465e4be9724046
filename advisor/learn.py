"""What the data tells about questions that the user left open; an answer that was given is never overruled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .phrase import Phrase, say
from .profile_words import BEHAVIOUR_UNTIL, KNOWLEDGE_FROM
from .schema import DataProfile, ExampleProfile, Needs

_SECOND_LANGUAGE = 0.15  # share of tokens from which a language counts

Found = dict[str, tuple[Any, Phrase]]


def learn_needs(data: DataProfile | None, needs: Needs) -> tuple[Needs, dict[str, Phrase]]:
    """The needs with open questions filled in from the data, and for each of those a sentence that says how."""
    if data is None:
        return needs, {}
    found = {**_from_documents(data), **_from_examples(data.examples)}
    language = _language(data)
    if language:
        found["language"] = (language, say("characters counted in your files"))
    missing = {key: pair for key, pair in found.items() if getattr(needs, key) is None}
    filled = replace(needs, **{key: value for key, (value, _) in missing.items()})
    return filled, {key: how for key, (_, how) in missing.items()}


def _from_documents(data: DataProfile) -> Found:
    if not data.files:
        return {}
    size = say("about {tokens:,} tokens in {files:,} documents", tokens=data.tokens, files=data.files)
    found: Found = {"corpus_tokens": (data.tokens, size), "unlabelled_tokens": (data.tokens, size)}
    if data.update_days is not None and data.update_days > 0:
        found["update_days"] = (
            data.update_days,
            say("{source}", source=data.update_source or "dates of your files"),
        )
    return found


def _from_examples(rows: ExampleProfile | None) -> Found:
    if rows is None:
        return {}
    where = rows.path or say("the examples")
    found: Found = {}
    counted = say("{rows:,} rows in {where}", rows=rows.rows, where=where)
    if rows.layout == "preference":
        found["preference_pairs"] = (rows.rows, counted)
    elif rows.layout != "thumbs" and rows.kind in ("qa", "labels", "messages"):
        found["labelled_examples"] = (rows.rows, counted)
    if rows.kind == "labels":
        few = ", ".join(list(rows.labels)[:3])
        found["task"] = ("classification", say("rows of {where} carry a label", where=where))
        found["gap"] = ("behaviour", say("labels such as {labels} are taught, not looked up", labels=few))
    elif rows.kind == "qa":
        found["task"] = ("qa", say("rows of {where} are questions with answers", where=where))
    if rows.quotes:
        named = say("rows of {where} name the passage that supports them", where=where)
        found["needs_citations"] = (True, named)
    return {**found, **_gap(rows)}


def _gap(rows: ExampleProfile) -> Found:
    """Answers that stand in the documents are knowledge; answers that stand nowhere are made by a behaviour."""
    share = rows.answers_in_documents
    if share is None:
        return {}
    if share >= KNOWLEDGE_FROM:
        return {"gap": ("knowledge", say("{share:.0%} of the answers stand in your documents", share=share))}
    if share <= BEHAVIOUR_UNTIL:
        return {
            "gap": ("behaviour", say("only {share:.0%} of the answers stand in your documents", share=share))
        }
    return {}


def _language(data: DataProfile) -> str | None:
    shares = data.languages or (data.examples.languages if data.examples else {})
    present = [name for name in ("en", "zh") if shares.get(name, 0) >= _SECOND_LANGUAGE]
    return "both" if len(present) == 2 else (present[0] if present else None)
