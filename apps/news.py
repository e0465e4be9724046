"""Reads finance news in one call: key facts, sentiment with its reasons, companies and risks, each with its place.

By default words, figures and small trained weights do it, without a causal model; with one, the model reads and every
span that it claims is looked up in the text. The news is data: nothing in it steers the reading.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.news_companies import companies
from apps.news_facts import facts
from apps.news_reading import NewsReading, Quote
from apps.news_risks import risks
from apps.news_sentiment import company_directions, sentiment
from apps.news_words import is_finance, language_of, limit

if TYPE_CHECKING:
    from apps.assistant import Generator
    from apps.settings import Settings

__all__ = ["NewsReading", "load_news", "news_writer", "read_news"]

logger = logging.getLogger(__name__)


def read_news(text: str, *, writer: Generator | None = None) -> NewsReading:
    """Reads one text, English or Chinese; `writer` is a model that does it better, checked span by span.

    Raises ValueError for a text that is empty, too long, or no text.
    """
    _check(text)
    spoken, notes = language_of(text), []
    language = "en" if spoken == "other" else spoken
    found = _by_rules(text, language)
    if spoken == "other":
        notes.append(
            "This is neither English nor Chinese; it is read as English and little of it may be right."
        )
        found = replace(found, sentiment=replace(found.sentiment, unsure=True))
    elif not is_finance(text, language):
        notes.append("Nothing in the text is of money, companies or markets; the sentiment is not sure.")
    elif found.sentiment.unsure:
        notes.append("Not sure: no sentiment is much likelier than the others.")
    found = replace(found, notes=tuple(notes))
    return found if writer is None else _by_model(text, found, writer)


def _by_rules(text: str, language: str) -> NewsReading:
    names: Mapping[str, list[Quote]] = companies(text, language)
    whole = sentiment(text, language)
    return NewsReading(
        language=language,
        facts=facts(text, language, names),
        sentiment=whole,
        companies=company_directions(text, language, names, whole),
        risks=risks(text, language),
    )


def _by_model(text: str, found: NewsReading, writer: Generator) -> NewsReading:
    from apps.news_model import NotRead, read_by_model

    try:
        return read_by_model(text, found, writer)
    except (NotRead, OSError) as reason:  # an answer that is none, or a server that gives none
        logger.warning("%s did not read the news: %s", writer.name, reason)
        note = f"{writer.name} gave no usable reading ({reason}); this is the reading without it."
        return replace(found, notes=(*found.notes, note))


def _check(text: str) -> None:
    if not text.strip():
        raise ValueError("The news text is empty; give the text of an article.")
    if "\x00" in text:
        raise ValueError(
            "This is no text but a binary file; give plain text, or a PDF, DOCX or HTML file by its name."
        )
    if len(text) > (most := limit("characters")):
        raise ValueError(
            f"The text has {len(text):,} characters and {most:,} are read at a time; give it article by article."
        )


def load_news(path: str | Path) -> str:
    """The text of a file of any format that an index takes. Raises ValueError or OSError in one line."""
    from rag.loaders import LOADERS, load_document

    place = Path(path)
    if place.is_dir():
        raise ValueError(f"{place} is a folder; name one file, or - for what is piped in.")
    if not place.exists():
        raise FileNotFoundError(
            f"{place} does not exist; name a file with the news, or - for what is piped in."
        )
    if place.suffix.lower() in LOADERS:
        return load_document(place, str(place)).text
    try:
        return place.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{place} is no UTF-8 text; give it its format's suffix, such as .pdf.") from None


def news_writer(settings: Settings) -> Generator | None:
    """The model that the settings name; None where they name none, or only a classifier."""
    from apps.generators import make_generator

    if settings.adapter:
        from finetune import read_card

        if (task := read_card(settings.adapter).objective) != "sft":
            raise ValueError(
                f"'{settings.adapter}' was trained with the objective '{task}' and writes nothing; "
                f"give an adapter of a causal model, or none."
            )
    if not (settings.model or settings.adapter or settings.api_base):
        return None
    return make_generator(
        settings.model,
        adapter=settings.adapter,
        api_base=settings.api_base,
        api_key=settings.api_key,
        max_new_tokens=max(settings.max_new_tokens, 1024),
    )
