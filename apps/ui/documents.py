"""The page of the documents: choose or make an index, add to it, see what it holds, remove."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps.settings import Settings
from apps.ui.engines import index_at
from apps.ui.indexing import add_documents, add_uploads, exists
from apps.ui.passages import plain
from apps.ui.session import INDEX, choose_index, index_paths, say, settings, uploads_folder
from apps.ui.uploads import index_name

if TYPE_CHECKING:
    from rag import Index
    from rag.update import IndexReport

NEW, REPORT, ROUND = "new", "report", "round"


def page() -> None:
    known = settings()
    st.title(say("Documents"), anchor=False)
    st.caption(say("What the assistant may quote from."))
    chosen = choose_index(index_paths(known), "documents-index", **{NEW: say("New index…")})
    _add(known, chosen)
    _show_report()
    if chosen is not None and chosen != NEW and exists(chosen):
        _show(known, chosen)
    else:
        st.info(
            say("Nothing is indexed here yet: upload files or name a folder above, then press Index now."),
            icon=":material/folder_open:",
        )


def _add(known: Settings, chosen: str | None) -> None:
    # A form of the next round is empty: what was uploaded is in the index and need not be sent again.
    turn = st.session_state.setdefault(ROUND, 0)
    with st.form(f"add-{turn}"):
        st.subheader(say("Add documents"), anchor=False)
        name = st.text_input(say("Name of the new index"), "index", key="index-name") if chosen == NEW else ""
        left, right = st.columns(2)
        with left:
            files = st.file_uploader(say("Upload files"), accept_multiple_files=True, key=f"uploads-{turn}")
        with right:
            folder = st.text_input(
                say("Or a folder on this machine"), key=f"folder-{turn}", placeholder="./docs"
            ).strip()
        pressed = st.form_submit_button(say("Index now"), type="primary", key="index-now")
    if not pressed:
        return
    if not files and not folder:
        st.warning(say("Choose files or name a folder first."), icon=":material/info:")
        return
    with _told():
        index = _new_index(known, name) if chosen == NEW or chosen is None else chosen
        reports = _index(known, index, files, folder)
        st.session_state[REPORT] = reports
        st.session_state[INDEX] = index
        st.session_state.pop("documents-index", None)  # the choice begins anew, with this index
        st.session_state[ROUND] = turn + 1
        st.rerun()


def _new_index(known: Settings, name: str) -> str:
    path = str(Path(known.build) / index_name(name))
    if exists(path):
        raise ValueError(
            f"There is an index named {index_name(name)!r}; choose it above, or give another name."
        )
    return path


def _index(known: Settings, index: str, files: list[Any], folder: str) -> list[IndexReport]:
    reports = []
    with _bar() as progress:
        if files:
            uploads = [(file.name, file.getvalue()) for file in files]
            reports.append(add_uploads(index, uploads_folder(known, index), uploads, progress))
        if folder:
            reports.append(add_documents(index, Path(folder).expanduser(), progress))
    return reports


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    bar = st.progress(0.0)

    def show(stage: str, done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text=f"{say(stage)} · {done} / {total}")

    try:
        yield show
    finally:
        bar.empty()


@contextmanager
def _told() -> Iterator[None]:
    """A mistake of the user's is one line on the page."""
    try:
        yield
    except (ValueError, OSError, ImportError) as mistake:
        st.error(plain(str(mistake)), icon=":material/error:")


def _show_report() -> None:
    for report in st.session_state.get(REPORT, ()):
        counts = {"indexed": report.read, "unchanged": report.unchanged, "removed": report.removed}
        done = [f"{say(name)}: {len(sources)}" for name, sources in counts.items() if sources]
        if done:
            st.success(" · ".join(done), icon=":material/check_circle:")
        for title, lines in (("Not read", report.failed), ("Skipped", report.skipped)):
            if lines:
                text = "\n".join(f"- {plain(line)}" for line in lines)
                st.warning(f"**{say(title)}: {len(lines)}**\n\n{text}", icon=":material/warning:")


def _show(known: Settings, path: str) -> None:
    with _told():
        index = index_at(path)
        documents = index.documents()
        st.subheader(f"{say('Documents')}: {len(documents)}", anchor=False)
        st.caption(f"{say('Embedder')}: {plain(index.config.embedder)}")
        rows = [
            {
                say("Document"): document.source,
                say("Title"): document.title,
                say("Date"): document.date,
                say("Passages"): document.chunks,
                say("Characters"): document.characters,
            }
            for document in documents
        ]
        st.dataframe(rows, hide_index=True, width="stretch")
        _remove(known, index, [document.source for document in documents])


def _remove(known: Settings, index: Index, sources: list[str]) -> None:
    with st.expander(say("Remove documents"), icon=":material/delete:"):
        gone = st.multiselect(
            say("Documents"), sources, key="remove-sources", placeholder=say("Choose documents"),
            label_visibility="collapsed",
        )  # fmt: skip
        if st.button(say("Remove"), key="remove", disabled=not gone):
            report = index.remove(gone)
            for source in gone:
                if "/" not in source:
                    (uploads_folder(known, str(index.path)) / source).unlink(missing_ok=True)
            st.session_state[REPORT] = [report]
            st.rerun()
