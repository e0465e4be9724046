"""The application: `streamlit run apps/ui/app.py`, or `advisor chat`, which passes the look and the settings."""

from __future__ import annotations

import streamlit as st

from apps.ui import advise, chat, documents, feedback, news
from apps.ui.session import LANGUAGE, language, say

NAMES = {"en": "English", "zh": "中文"}


def main() -> None:
    st.set_page_config(page_title="LLM Adaptation Advisor", page_icon=":material/alt_route:", layout="wide")
    language()
    pages = [
        st.Page(
            advise.page, title=say("Advise"), icon=":material/alt_route:", url_path="advise", default=True
        ),
        st.Page(documents.page, title=say("Documents"), icon=":material/folder_open:", url_path="documents"),
        st.Page(chat.page, title=say("Chat"), icon=":material/forum:", url_path="chat"),
        st.Page(news.page, title=say("News"), icon=":material/newspaper:", url_path="news"),
        st.Page(feedback.page, title=say("Feedback"), icon=":material/thumbs_up_down:", url_path="feedback"),
    ]
    chosen = st.navigation(pages)
    # Drawn before the page, which may stop early: a widget that is not drawn forgets what was chosen.
    st.sidebar.segmented_control(
        "Language / 语言",
        list(NAMES),
        format_func=NAMES.__getitem__,
        key=LANGUAGE,
        label_visibility="collapsed",
        required=True,
    )
    chosen.run()


main()
