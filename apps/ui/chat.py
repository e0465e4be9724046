"""The page of the conversation: answers as they come, their citations in their surroundings, thumbs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import streamlit as st

from apps.feedback import Thumb, add_feedback, feedback_on, feedback_store
from apps.settings import Settings
from apps.ui.conversation import TURNS, Turn, history, new_turn, set_thumb, turns
from apps.ui.engines import adapters, assistant_for, can_answer
from apps.ui.how_found import how_found
from apps.ui.passages import Passage, answer_html, note_html, passage_html, plain
from apps.ui.session import choose_index, index_paths, language, say, settings

USER, ASSISTANT = ":material/person:", ":material/forum:"
NO_ADAPTER = ""
LABELLED = 90  # characters of a labelled sentence; it stands whole in the answer above


def page() -> None:
    known = settings()
    index, adapter = _switches(known)
    st.title(say("Ask your documents"), anchor=False)
    if not turns():
        _empty(known, index)
    for turn in turns():
        _draw(known, turn)
    ready = can_answer(known, index, adapter)
    question = st.chat_input(say("Type a question"), key="question", disabled=not ready)
    if question:
        _ask(known, question, index, adapter)


def _switches(known: Settings) -> tuple[str | None, str | None]:
    """The index to retrieve from (None: retrieval is off) and the adapter."""
    with st.sidebar:
        paths = index_paths(known)
        retrieval = st.toggle(say("Retrieval"), value=True, key="retrieval", disabled=not paths)
        chosen = choose_index(paths, "chat-index", container=st.sidebar)
        names = {NO_ADAPTER: "—"} | {
            path: f"{Path(path).name} · {card.objective}" for path, card in adapters(known).items()
        }
        first = list(names).index(known.adapter) if known.adapter in names else 0
        adapter = st.selectbox(
            say("Adapter"), list(names), index=first, key="adapter", format_func=names.__getitem__
        )
        writer = known.model or (known.api_base and "API") or say("quotes from the documents (no model)")
        st.caption(f"{say('Answers are written by')}: {plain(str(writer))}")
        if st.button(say("New conversation"), icon=":material/add:", key="new", width="stretch"):
            st.session_state[TURNS] = []
    return (chosen if retrieval else None), (adapter or None)


def _empty(known: Settings, index: str | None) -> None:
    if not index_paths(known):
        text, icon = (
            "There is no index yet. Open Documents in the menu and add some.",
            ":material/folder_open:",
        )
    elif index is None and not known.model and not known.api_base:
        text, icon = (
            "Retrieval is off and no model is loaded, so nobody can answer. Switch retrieval on, or start with: "
            "advisor chat --model NAME",
            ":material/toggle_off:",
        )
    else:
        text, icon = (
            "Every answer shows where it stands. What the documents do not say is not answered.",
            ":material/format_quote:",
        )
    st.info(say(text), icon=icon)


def _ask(known: Settings, question: str, index: str | None, adapter: str | None) -> None:
    with st.chat_message("user", avatar=USER):
        st.html(answer_html(question))
    with st.chat_message("assistant", avatar=ASSISTANT):
        place = st.empty()
        try:
            with st.spinner(say("Reading the documents…")):
                card = adapters(known)[adapter] if adapter else None
                assistant, classifier = assistant_for(known, index, adapter, card)
                stream = assistant.stream(question, history())
            said = ""
            pieces = iter(stream)
            try:
                for piece in pieces:
                    said += piece
                    place.html(answer_html(said))
            finally:  # a pressed stop button ends the model too
                getattr(pieces, "close", lambda: None)()
            answer = stream.answer
            new_turn(question, answer, assistant, classifier=classifier, adapter=adapter, trace=stream.trace)
        except (ValueError, OSError, ImportError, RuntimeError) as mistake:
            st.error(f"{say('The answer broke off')}: {plain(str(mistake))}", icon=":material/error:")
            return
    st.rerun()  # draws the answer with its citations, as every later run will


def _draw(known: Settings, turn: Turn) -> None:
    with st.chat_message("user", avatar=USER):
        st.html(answer_html(turn.question))
    with st.chat_message("assistant", avatar=ASSISTANT):
        if turn.answer.refused:
            st.markdown(f":orange-badge[:material/block: {say('Not in the documents')}]")
        st.html(answer_html(turn.answer.text, turn.answer.headline))
        for label in turn.labels:
            said = shorten(label.text, LABELLED, placeholder=" …")
            st.markdown(f":violet-badge[{plain(label.label)} {label.probability:.0%}] :gray[{plain(said)}]")
        if turn.answer.unsupported or turn.answer.uncited:
            st.caption(f":material/help: {say('Some sentences have no source that supports them.')}")
        for passage in turn.passages:
            _passage(passage)
        if turn.nearest:
            with st.expander(say("Nearest passages"), icon=":material/search:"):
                for passage in turn.nearest:
                    st.caption(_place(passage))
                    st.html(passage_html(passage))
        if turn.trace is not None:
            how_found(turn.trace)
        if turn.answer.notice:
            st.html(note_html(turn.answer.notice))
        _thumbs(known, turn)


def _passage(passage: Passage) -> None:
    with st.expander(f"**{passage.number}** · {_place(passage)}", icon=":material/format_quote:"):
        st.html(passage_html(passage))


def _place(passage: Passage) -> str:
    """The file, the page and the heading of a passage, for a label."""
    page_word = f"第 {passage.page} 页" if language() == "zh" else f"page {passage.page}"
    parts = [plain(passage.source), page_word if passage.page else "", plain(passage.heading[-80:])]
    return " · ".join(part for part in parts if part)


def _thumbs(known: Settings, turn: Turn) -> None:
    up, down, said = st.columns([1, 1, 18], vertical_alignment="center")
    marks: tuple[tuple[object, Thumb, str, str], ...] = (
        (up, "up", ":material/thumb_up:", "Good answer"),
        (down, "down", ":material/thumb_down:", "Bad answer"),
    )
    for column, thumb, icon, text in marks:
        pressed = column.button(  # type: ignore[attr-defined]
            "",
            icon=icon,
            help=say(text),
            key=f"{thumb}-{turn.id}",
            disabled=turn.thumb == thumb,
            type="tertiary",
        )
        if pressed and _keep(known, turn, thumb):
            st.rerun()
    if turn.thumb:
        said.caption(say("Thank you, noted."))
    if turn.thumb == "down" and not turn.corrected:
        _correction(known, turn)


def _correction(known: Settings, turn: Turn) -> None:
    with st.form(f"correction-{turn.id}", border=False):
        text = st.text_area(
            say("What should the answer have been? (optional)"), key=f"correct-{turn.id}", height=80
        )
        pressed = st.form_submit_button(say("Send correction"), key=f"send-{turn.id}")
        if pressed and text.strip() and _keep(known, turn, "down", text):
            st.rerun()


def _keep(known: Settings, turn: Turn, thumb: Thumb, correction: str | None = None) -> bool:
    """Whether it could be kept; a database that is away is one line on the page."""
    row = feedback_on(
        turn.question, turn.answer, thumb, correction=correction, answer_id=turn.id, history=turn.history
    )
    try:
        add_feedback(feedback_store(known), replace(row, adapter=turn.adapter))
    except (ValueError, OSError, ImportError) as mistake:
        st.error(plain(str(mistake)), icon=":material/error:")
        return False
    set_thumb(turn, thumb, corrected=bool(correction))
    return True
