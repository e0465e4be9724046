"""The page that advises: the questionnaire, the recommendation, its reasons and its memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from advisor.questions import QUESTIONS, Question
from advisor.report_options import rejected_lines
from advisor.report_text import open_questions
from advisor.wording import capital
from apps.ui.memory_picture import memory_chart
from apps.ui.options import folded, option_name, option_rows
from apps.ui.passages import plain
from apps.ui.session import language, say

if TYPE_CHECKING:
    from advisor import Recommendation

RESULT, ANSWERS = "recommendation", "answers"
FIRST = 8  # questions shown at once; the others are folded away


def page() -> None:
    st.title(say("Prompt, retrieve, fine-tune, or combine?"), anchor=False)
    form, result = st.columns([5, 7], gap="large")
    with form:
        asked = _form()
    if asked is not None:
        with result, st.spinner(" "):
            _recommend(asked)
    found = st.session_state.get(RESULT)
    with result:
        if found is None:
            st.info(
                say("The answer appears here: what to do, why, what it needs, and the command to type."),
                icon=":material/lightbulb:",
            )
        else:
            _draw(found)
    if found is not None:
        _options(found)


def _form() -> dict[str, Any] | None:
    """The answers by key when the button was pressed."""
    for key, value in st.session_state.get(ANSWERS, {}).items():
        st.session_state.setdefault(key, value)  # a widget forgets when its page is left
    with st.form("questionnaire", border=False):
        st.caption(say("Answer what you know; leave the rest open. Every answer is optional."))
        st.subheader(say("Machine and data"), anchor=False)
        answers: dict[str, Any] = {
            "vram": st.number_input(
                say("GPU memory (GiB)"),
                value=None,
                key="vram",
                placeholder=say("Empty: look at this machine"),
            ),
            "data": st.text_input(
                say("Folder with documents"), key="data", placeholder=say("A folder on this machine")
            ),
            "examples": st.text_input(
                say("File with labelled examples"),
                key="examples",
                placeholder=say("JSONL, JSON or CSV on this machine"),
            ),
        }
        st.subheader(say("Your task"), anchor=False)
        answers["needs"] = {question.key: _widget(question) for question in QUESTIONS[:FIRST]}
        with st.expander(say("More questions")):
            answers["needs"] |= {question.key: _widget(question) for question in QUESTIONS[FIRST:]}
        pressed = st.form_submit_button(say("Recommend"), type="primary", key="recommend", width="stretch")
    if not pressed:
        return None
    keys = ["vram", "data", "examples", *(f"need-{question.key}" for question in QUESTIONS)]
    st.session_state[ANSWERS] = {key: st.session_state[key] for key in keys}
    return answers


def _widget(question: Question) -> Any:
    """The widget of a question; None where it was left open."""
    chinese = language() == "zh"
    text = question.text_zh if chinese else question.text
    shared: dict[str, Any] = {
        "key": f"need-{question.key}",
        "help": (question.help_zh if chinese else question.help) or None,
    }
    if question.kind == "choice":
        names = {choice.value: choice.label_zh if chinese else choice.label for choice in question.choices}
        return st.selectbox(
            text,
            list(names),
            index=None,
            format_func=names.__getitem__,
            placeholder=say("Not answered"),
            **shared,
        )
    if question.kind == "yes_no":
        names = {"yes": say("Yes"), "no": say("No")}
        chosen = st.segmented_control(text, list(names), format_func=names.__getitem__, **shared)
        return None if chosen is None else chosen == "yes"
    if question.kind == "text":
        return st.text_input(text, placeholder=say("Not answered"), **shared) or None
    step = 1 if question.kind == "count" else 1.0
    return st.number_input(
        text,
        value=None,
        min_value=0 * step,
        step=step,
        format="%d" if question.kind == "count" else "%g",
        placeholder=say("Not answered"),
        **shared,
    )


def _recommend(asked: dict[str, Any]) -> None:
    from advisor import detect_hardware, hardware_with_vram, needs_from_dict, profile_data, recommend

    try:
        needs = needs_from_dict(asked["needs"])
        hardware = detect_hardware()
        if asked["vram"] is not None:
            hardware = hardware_with_vram(asked["vram"], hardware)
        data, examples = asked["data"].strip(), asked["examples"].strip()
        profile = profile_data(_path(data), _path(examples)) if data or examples else None
        st.session_state[RESULT] = recommend(hardware, profile, needs)
    except (ValueError, OSError) as mistake:
        st.error(plain(str(mistake)), icon=":material/error:")


def _path(typed: str) -> Path | None:
    return Path(typed).expanduser() if typed else None


def _draw(found: Recommendation) -> None:
    best = found.best
    st.caption(say("Recommended"))
    st.header(option_name(best, language()), anchor=False)
    colour = {"high": "green", "medium": "orange", "low": "red"}[found.confidence]
    st.markdown(
        f":{colour}-badge[{say('Confidence')}: {say(found.confidence)}] :gray-badge[{plain(best.model)}]"
    )
    if found.confidence_because:
        st.caption(plain(say(found.confidence_because)))
    if found.first_step:
        st.info(f"**{say('First')}** — {plain(say(found.first_step))}", icon=":material/flag:")
    st.subheader(say("Next"), anchor=False)
    st.code("\n".join(folded(say(line)) for line in found.commands), language="bash")
    _downloads(found)
    _reasons(found)
    _list(say("Nearly as good"), [say(line) for line in found.near_ties])
    st.subheader(say("Memory"), anchor=False)
    chart = memory_chart(found, language())
    if chart is None:
        st.caption(say("Nothing is trained or served on a card here, so there is no memory to draw."))
    else:
        st.altair_chart(chart, width="stretch")
    _changes(found)


def _options(found: Recommendation) -> None:
    st.subheader(say("All options"), anchor=False)
    st.dataframe(option_rows(found, language()), hide_index=True, width="stretch")
    _list(say("Rejected"), [say(line) for line in rejected_lines(found)])


def _reasons(found: Recommendation) -> None:
    for title, reasons, sign in (
        (say("Why"), found.best.reasons, "+"),
        (say("Against it"), found.best.against, ""),
    ):
        if reasons:
            st.subheader(title, anchor=False)
            st.markdown(
                "\n".join(
                    f"- **{reason.weight:{sign}.1f}** {plain(say(reason.text))} :gray[{plain(reason.source)}]"
                    for reason in reasons[:5]
                )
            )


def _changes(found: Recommendation) -> None:
    _list(say("What would change the answer"), [say(line) for line in found.would_change])
    _list(say("Questions that would make it surer"), list(open_questions(found, language(), flags=False)))


def _list(title: str, lines: Sequence[str]) -> None:
    """A heading with its lines; nothing where there is no line."""
    if lines:
        st.subheader(title, anchor=False)
        st.markdown("\n".join(f"- {plain(capital(line))}" for line in lines))


def _downloads(found: Recommendation) -> None:
    from advisor import render_html, to_json

    plan, report = st.columns(2)
    plan.download_button(
        say("Download plan.json"),
        to_json(found),
        file_name="plan.json",
        mime="application/json",
        icon=":material/download:",
        key="download-plan",
        on_click="ignore",
    )
    report.download_button(
        say("Download the report"),
        render_html(found, language=language()),
        file_name="report.html",
        mime="text/html",
        icon=":material/description:",
        key="download-report",
        on_click="ignore",
    )
