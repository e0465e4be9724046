"""Sentences that know how they were made, so that a report can say them in another language than English."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Language = Literal["en", "zh"]
_CHINESE = Path(__file__).parent / "facts" / "zh.toml"


class Phrase(str):
    """A finished English text that also keeps the template and the values that it was made from."""

    template: str
    values: Mapping[str, Any]


def say(template: str, **values: Any) -> Phrase:
    """Fills `{name}` fields as str.format does; the template is the key under which facts/zh.toml translates it."""
    phrase = Phrase(template.format(**values))
    phrase.template, phrase.values = template, values
    return phrase


def spoken(text: str, language: Language = "en") -> str:
    """The text in `language`; what was not made by `say`, or is not translated, stays as it is."""
    if language == "en":
        return str(text)
    template = getattr(text, "template", str(text))
    values = {name: _inner(value, language) for name, value in getattr(text, "values", {}).items()}
    translated = translations().get(template, template)  # "{first}, {second}" may need no other wording
    return translated.format(**values) if values else translated


def _inner(value: Any, language: Language) -> Any:
    return spoken(value, language) if isinstance(value, str) else value


@cache
def translations() -> Mapping[str, str]:
    """English template -> Chinese template, fields of the same names; the questionnaire brings its own."""
    from .questions import QUESTIONS

    found = {question.text: question.text_zh for question in QUESTIONS}
    found |= {choice.label: choice.label_zh for question in QUESTIONS for choice in question.choices}
    with _CHINESE.open("rb") as file:
        tables = tomllib.load(file)
    for table in tables.values():
        found |= table
    return found
