"""The page of the feedback: how much there is, the rows, and files of training rows made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import streamlit as st

from apps.feedback import Feedback, feedback_store, read_feedback
from apps.preferences import Kind
from apps.ui.passages import plain
from apps.ui.session import say, settings

if TYPE_CHECKING:
    from apps.feedback_exports import Export
    from apps.preferences import PreferenceReport
    from apps.settings import Settings

DONE = "feedback-export"
SHOWN = 500  # rows in the table, the newest first


def page() -> None:
    known = settings()
    st.title(say("Feedback"), anchor=False)
    st.caption(say("What people thought of answers, and rows to train on that are made of it."))
    try:
        rows = read_feedback(feedback_store(known))
    except (ValueError, OSError, ImportError) as mistake:
        st.error(plain(str(mistake)), icon=":material/error:")
        return
    if not rows:
        st.info(
            say("No thumbs yet. Ask something in the chat and judge the answer."),
            icon=":material/thumbs_up_down:",
        )
        return
    _counts(rows)
    _table(rows)
    _export(known)


def _counts(rows: Sequence[Feedback]) -> None:
    counts = (
        ("Good answers", sum(row.thumb == "up" for row in rows)),
        ("Bad answers", sum(row.thumb == "down" for row in rows)),
        ("Corrections", sum(bool(row.correction) for row in rows)),
    )
    for column, (name, count) in zip(st.columns(len(counts)), counts, strict=True):
        column.metric(say(name), count, border=True)


def _table(rows: Sequence[Feedback]) -> None:
    names = {"all": say("All"), "up": say("Good answers"), "down": say("Bad answers")}
    chosen = st.segmented_control(
        say("Thumb"), list(names), default="all", format_func=names.__getitem__, key="feedback-thumb",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    shown = [row for row in reversed(rows) if chosen in ("all", row.thumb)][:SHOWN]
    st.dataframe([_cells(row) for row in shown], hide_index=True, width="stretch")


def _cells(row: Feedback) -> dict[str, Any]:
    """A table's cells are plain text: no markup of a document acts in them."""
    return {
        say("Thumb"): say("Good") if row.thumb == "up" else say("Bad"),
        say("Question"): row.question,
        say("Answer"): row.answer,
        say("Correction"): row.correction or "",
        say("Written by"): row.adapter or row.generator,
        say("Time"): row.time[:16].replace("T", " "),
    }


def _export(known: Settings) -> None:
    names = {
        "kto": say("KTO: answers with a thumb"),
        "dpo": say("DPO: a better and a worse answer"),
        "sft": say("SFT: answers to learn"),
    }
    with st.form("export", border=True):
        st.subheader(say("Rows to train on"), anchor=False)
        kind = st.selectbox(say("Format"), get_args(Kind), format_func=names.__getitem__, key="export-format")
        new = st.toggle(say("Only what no export took yet"), key="export-new")
        mask = st.toggle(
            say("Hide e-mail addresses, phone and card numbers"),
            key="export-mask",
            help=say("Names and addresses cannot be found reliably: look at the file before you pass it on."),
        )
        pressed = st.form_submit_button(say("Export"), type="primary", key="export")
    if pressed:
        st.session_state.pop(DONE, None)
        try:
            st.session_state[DONE] = _write(known, kind, new=new, mask=mask)
        except (ValueError, OSError) as mistake:
            st.error(plain(str(mistake)), icon=":material/error:")
    if done := st.session_state.get(DONE):
        _show(*done)


def _write(known: Settings, kind: Kind, *, new: bool, mask: bool) -> tuple[Export, PreferenceReport]:
    from apps.feedback_exports import export_feedback, free_file

    file = free_file(Path(known.build) / "exports", kind)
    made, found = export_feedback(feedback_store(known), kind, file, new=new, mask=mask)
    return made, found.report


def _show(made: Export, report: PreferenceReport) -> None:
    st.success(f"{say('Rows')}: {made.rows} · {plain(made.file)}", icon=":material/check_circle:")
    counts = {
        "Taken": report.taken,
        "Duplicates": report.duplicates,
        "Contradictions": report.contradictions,
        "Unusable": report.unusable,
        "Hidden": sum(report.masked.values()),
    }
    st.caption(" · ".join(f"{say(name)}: {count}" for name, count in counts.items() if count))
    why = [
        (reason, count)
        for name in report.reasons
        if name != "taken"
        for reason, count in report.reasons[name].items()
    ]
    if why:
        st.markdown("\n".join(f"- {count} × {plain(say(reason))}" for reason, count in why))
    for note in report.notes:
        st.warning(plain(say(note)), icon=":material/info:")
    file = Path(made.file)
    if file.is_file():
        st.download_button(
            say("Download"), file.read_bytes(), file_name=file.name, mime="application/jsonl",
            icon=":material/download:", key="download-export", on_click="ignore",
        )  # fmt: skip
