"""The page that reads finance news: facts, sentiment with its reasons, companies and risks in their places."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps.ui.news_html import quote_html, text_html
from apps.ui.passages import plain
from apps.ui.session import say, settings
from apps.ui.uploads import save_upload

if TYPE_CHECKING:
    from apps.assistant import Generator
    from apps.news_reading import NewsReading, Quote, Sentiment
    from apps.settings import Settings

RESULT = "news-reading"
_COLOURS = {"positive": "green", "negative": "red", "neutral": "gray", "mixed": "orange"}


def page() -> None:
    st.title(say("Read finance news"), anchor=False)
    st.caption(say("Key facts, sentiment with its reasons, and risks; every quote shows where it stands."))
    with st.form("news", border=False):
        typed = st.text_area(
            say("News text"),
            key="news-text",
            height=220,
            placeholder=say("Paste an article, English or Chinese"),
        )
        file = st.file_uploader(say("Or a file"), key="news-file")
        pressed = st.form_submit_button(say("Read"), type="primary", key="news-read")
    if pressed:
        st.session_state.pop(RESULT, None)
        try:
            with st.spinner(say("Reading…")):
                st.session_state[RESULT] = _read(_uploaded(file) if file is not None else typed)
        except (ValueError, OSError, ImportError) as mistake:
            st.error(plain(str(mistake)), icon=":material/error:")
    if found := st.session_state.get(RESULT):
        _draw(*found)


def _read(text: str) -> tuple[str, NewsReading]:
    from apps.news import read_news

    return text, read_news(text, writer=_writer(settings()))


def _uploaded(file: Any) -> str:
    from apps.news import load_news

    with tempfile.TemporaryDirectory() as folder:
        path, _ = save_upload(Path(folder), file.name, file.getvalue())
        return load_news(path)


@st.cache_resource(show_spinner=False, max_entries=1)
def _writer(known: Settings) -> Generator | None:
    from apps.news import news_writer

    return news_writer(known)


def _draw(text: str, reading: NewsReading) -> None:
    for note in reading.notes:
        st.warning(plain(note), icon=":material/info:")
    left, right = st.columns(2, gap="large")
    with left:
        _sentiment(reading.sentiment)
        _companies(reading)
        st.subheader(f"{say('Risks')}: {len(reading.risks)}", anchor=False)
        _list([(risk, [], say(risk.kind)) for risk in reading.risks], "No risks found.", "risk")
    with right:
        st.subheader(f"{say('Key facts')}: {len(reading.facts)}", anchor=False)
        rows = [
            (fact, list(fact.parts), " · ".join(say(kind) for kind in fact.kinds)) for fact in reading.facts
        ]
        _list(rows, "No facts found.", "part")
    with st.expander(say("The text with its marks")):
        st.html(text_html(text, reading))
    if reading.dropped:
        st.caption(f"{say('Quotes of the model that do not stand in the text, dropped')}: {reading.dropped}")
    st.caption(say("This is no investment advice."))


def _sentiment(found: Sentiment) -> None:
    st.subheader(say("Sentiment"), anchor=False)
    badges = f":{_COLOURS[found.label]}-badge[{say(found.label)}]"
    if found.confidence is not None:
        badges += f" :gray-badge[{say('Confidence')} {found.confidence:.0%}]"
    if found.unsure:
        badges += f" :orange-badge[{say('not sure')}]"
    st.markdown(badges)
    rows = [
        (reason, list(reason.words), f"−{reason.weight:.0%}" if reason.weight else "")
        for reason in found.reasons
    ]
    _list(rows, "No sentence by itself decides it.", "reason")


def _companies(reading: NewsReading) -> None:
    if reading.companies:
        st.subheader(say("Companies"), anchor=False)
        rows = [
            {
                say("Company"): company.name,
                say("Direction"): say(company.label),
                say("Confidence"): "" if company.confidence is None else f"{company.confidence:.0%}",
                say("Mentions"): len(company.mentions),
            }
            for company in reading.companies
        ]
        st.dataframe(rows, hide_index=True, width="stretch")


def _list(rows: Sequence[tuple[Quote, Sequence[Quote], str]], empty: str, kind: str) -> None:
    for quote, marked, note in rows:
        st.html(quote_html(quote, marked, note, kind))
    if not rows:
        st.caption(say(empty))
