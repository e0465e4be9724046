"""What the pages share within one browser session: the language, the settings, the chosen index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from apps.settings import Settings, load_settings
from apps.ui.words import Language, word

LANGUAGE, INDEX = "language", "index"
_DEPTH = 3  # folders below the build folder in which indexes and adapters are looked for


def language() -> Language:
    """The one that was chosen, else that of the browser."""
    if LANGUAGE not in st.session_state:
        st.session_state[LANGUAGE] = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
    chosen: Language = "zh" if st.session_state[LANGUAGE] == "zh" else "en"
    return chosen


def say(text: str) -> str:
    """A word of the page in its language."""
    return word(text, language())


def settings() -> Settings:
    """Those that `advisor chat` handed on through the environment, over advisor.toml."""
    return load_settings()


def index_paths(settings: Settings) -> list[str]:
    """The index that was named at the start, then every one in the build folder."""
    found = [str(path.parent) for path in below(Path(settings.build), "manifest.json")]
    named = [settings.index] if settings.index else []
    return list(dict.fromkeys([*named, *found]))


def choose_index(paths: list[str], key: str, *, container: Any = st, **labels: str) -> str | None:
    """A choice among indexes that the next page begins with. `labels` name paths that are none."""
    options = [*paths, *labels]
    if not options:
        return None
    if st.session_state.get(key) not in options:
        last = st.session_state.get(INDEX)
        st.session_state[key] = last if last in options else options[0]
    chosen: str = container.selectbox(
        say("Index"), options, key=key, format_func=lambda path: labels.get(path, path)
    )
    st.session_state[INDEX] = chosen
    return chosen


def below(folder: Path, name: str) -> list[Path]:
    """Files of this name up to three folders deep, in the order of their paths."""
    patterns = ["*/" * depth + name for depth in range(1, _DEPTH + 1)]
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def uploads_folder(settings: Settings, index: str) -> Path:
    """Where the uploaded files of an index are kept."""
    return Path(settings.build) / "documents" / Path(index).name
