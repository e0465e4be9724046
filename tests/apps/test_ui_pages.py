"""Each page by itself, run as Streamlit runs it: what it shows when empty, what it does, what it says of mistakes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.feedback import Feedback, add_all_feedback, read_feedback
from rag import build_index

TERMS = "The refund window is thirty days from delivery. Keep the receipt for the whole time."
HOURS = "Opening hours are nine to five from Monday to Friday. <script>alert(1)</script>"
APP = str(Path(__file__).parents[2] / "apps" / "ui" / "app.py")


def advise_page() -> None:
    from apps.ui import advise

    advise.page()


def documents_page() -> None:
    from apps.ui import documents

    documents.page()


def feedback_page() -> None:
    from apps.ui import feedback

    feedback.page()


def chat_page() -> None:
    from apps.ui import chat

    chat.page()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the index "shop" of two short documents and a notice."""
    docs = tmp_path_factory.mktemp("docs")
    (docs / "terms.md").write_text(TERMS)
    (docs / "hours.txt").write_text(HOURS)
    (docs / "NOTICE.txt").write_text("This is no legal advice.")
    build = tmp_path_factory.mktemp("build")
    build_index(docs, build / "shop")
    return build


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with documents in ./docs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVISOR_BUILD", "build")
    docs = tmp_path / "docs"
    (docs / "deep").mkdir(parents=True)
    (docs / "terms.md").write_text(TERMS)
    (docs / "deep" / "hours.txt").write_text(HOURS)
    yield tmp_path
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest leaves its script behind as __main__, which a later test's spawned processes would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def run(page: Any) -> AppTest:
    app = AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that the page says."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.success, app.warning,
             app.error, app.get("html"))  # fmt: skip
    return "\n".join(
        str(getattr(element, "value", None) or element.proto.body) for kind in kinds for element in kind
    )


def ask(app: AppTest, question: str) -> AppTest:
    app.chat_input(key="question").set_value(question).run()
    assert not app.exception
    return app


def thumb(app: AppTest, which: str) -> Any:
    return next(button for button in app.button if str(button.key).startswith(f"{which}-"))


# Advise


def test_the_questionnaire_names_what_it_will_give_before_it_is_answered(place: Path) -> None:
    assert "The answer appears here" in texts(run(advise_page))


def test_answers_lead_to_a_recommendation_with_reasons_and_a_plan(place: Path) -> None:
    app = run(advise_page)
    app.number_input(key="vram").set_value(24.0)
    app.text_input(key="data").set_value("docs")
    app.selectbox(key="need-gap").set_value("knowledge")
    app.segmented_control(key="need-needs_citations").set_value("yes")
    app.button(key="recommend").click().run()
    assert not app.exception and not app.error
    said = texts(app)
    assert "Retrieval (RAG)" in [header.value for header in app.header]
    for part in ("Why", "Memory", "All options", "Rejected", "What would change the answer"):
        assert part in said
    assert "advisor index docs" in app.code[0].value
    assert app.dataframe[0].value["Option"].iloc[0] == "Retrieval (RAG)"


def test_a_missing_folder_and_an_absurd_card_are_one_line_each(place: Path) -> None:
    app = run(advise_page)
    app.text_input(key="data").set_value("nowhere")
    app.button(key="recommend").click().run()
    assert "Folder nowhere does not exist" in app.error[0].value
    app.text_input(key="data").set_value("docs")
    app.number_input(key="vram").set_value(-3.0)
    app.button(key="recommend").click().run()
    assert "no size of a card" in app.error[0].value and not app.exception


def test_the_whole_application_speaks_chinese_when_asked(place: Path) -> None:
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert app.title[0].value == "Prompt, retrieve, fine-tune, or combine?"
    app.sidebar.segmented_control(key="language").set_value("zh").run()
    assert not app.exception
    assert app.title[0].value == "提示词、检索、微调，还是组合？"
    assert app.selectbox(key="need-gap").label == "通用大模型目前缺少什么？"
    app.number_input(key="vram").set_value(24.0)
    app.button(key="recommend").click().run()
    assert not app.exception
    said = texts(app)
    assert all(part in said for part in ("理由", "显存占用", "全部方案")) and "Why" not in said
    assert list(app.dataframe[0].value.columns)[:2] == ["方案", "得分"]


# Documents


@pytest.fixture
def shop(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_INDEX", str(built / "shop"))
    return place


def test_no_index_names_the_next_step(place: Path) -> None:
    assert "Nothing is indexed here yet" in texts(run(documents_page))


def test_a_folder_becomes_an_index_and_a_second_one_joins_it(place: Path) -> None:
    app = run(documents_page)
    app.text_input(key="index-name").set_value("shop")
    app.text_input(key="folder-0").set_value("docs")
    app.button(key="index-now").click().run()
    assert not app.exception and not app.error
    assert app.dataframe[0].value["Document"].tolist() == ["deep/hours.txt", "terms.md"]
    more = place / "more"
    more.mkdir()
    (more / "jobs.txt").write_text("We look for a baker.")
    (more / "broken.pdf").write_bytes(b"no pdf")
    (more / "photo.jpg").write_bytes(b"no text")
    app.text_input(key="folder-1").set_value("more")
    app.button(key="index-now").click().run()
    assert app.dataframe[0].value["Document"].tolist() == ["deep/hours.txt", "jobs.txt", "terms.md"]
    warnings = "\n".join(warning.value for warning in app.warning)
    assert r"broken\.pdf" in warnings and r"photo\.jpg" in warnings


def test_an_upload_is_kept_under_a_safe_name_and_removed_without_a_trace(place: Path) -> None:
    app = run(documents_page)
    app.text_input(key="index-name").set_value("shop")
    app.file_uploader(key="uploads-0").set_value(
        [("../../secret-plans.txt", b"The plan is to bake.", "text/plain")]
    )
    app.button(key="index-now").click().run()
    assert not app.exception and not app.error
    assert app.dataframe[0].value["Document"].tolist() == ["secret-plans.txt"]
    assert (place / "build" / "documents" / "shop" / "secret-plans.txt").is_file()
    app.text_input(key="folder-1").set_value("docs")
    app.button(key="index-now").click().run()
    app.multiselect(key="remove-sources").set_value(["secret-plans.txt"]).run()
    app.button(key="remove").click().run()
    assert app.dataframe[0].value["Document"].tolist() == ["deep/hours.txt", "terms.md"]
    assert not any(
        b"plan is to bake" in path.read_bytes() for path in (place / "build").rglob("*") if path.is_file()
    )


def test_two_uploads_of_one_name_are_told_apart_by_the_user(place: Path) -> None:
    app = run(documents_page)
    app.file_uploader(key="uploads-0").set_value(
        [("x/a.txt", b"one", "text/plain"), ("y/a.txt", b"two", "text/plain")]
    )
    app.button(key="index-now").click().run()
    assert "rename one of them" in app.error[0].value


def test_an_upload_that_cannot_be_read_is_named_and_not_kept(place: Path) -> None:
    app = run(documents_page)
    files = [("good.txt", b"The plan is to bake.", "text/plain"), ("bad.pdf", b"no pdf", "application/pdf")]
    app.file_uploader(key="uploads-0").set_value(files)
    app.button(key="index-now").click().run()
    assert r"bad\.pdf" in app.warning[0].value and not app.error
    assert [path.name for path in (place / "build" / "documents" / "index").iterdir()] == ["good.txt"]


def test_a_new_index_does_not_take_the_name_of_another(
    shop: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_BUILD", str(built))
    app = run(documents_page)
    app.selectbox(key="documents-index").set_value("new").run()
    app.text_input(key="index-name").set_value("shop")
    app.text_input(key="folder-0").set_value("docs")
    app.button(key="index-now").click().run()
    assert "There is an index named 'shop'" in app.error[0].value.replace("\\", "")


def test_nothing_to_index_is_said(place: Path) -> None:
    app = run(documents_page)
    app.button(key="index-now").click().run()
    assert "Choose files or name a folder first" in app.warning[0].value


# Chat


def test_a_chat_without_an_index_names_the_next_step(place: Path) -> None:
    app = run(chat_page)
    assert "Open Documents in the menu" in texts(app) and app.chat_input[0].disabled


def test_an_answer_carries_its_passage_its_place_and_the_notice(shop: Path) -> None:
    app = ask(run(chat_page), "What is the refund window from delivery?")
    assert "1** · terms\\.md" in app.expander[0].label
    said = texts(app)
    assert "The refund window is <strong>thirty days</strong> from delivery.</mark>" in said
    assert "This is no legal advice." in said


def test_a_script_in_a_document_is_shown_and_not_run(shop: Path) -> None:
    app = ask(run(chat_page), "What are the opening hours from Monday to Friday?")
    said = texts(app)
    assert "&lt;script&gt;" in said and "<script" not in said


def test_a_refusal_is_shown_as_one_with_the_nearest_passages(shop: Path) -> None:
    app = ask(run(chat_page), "Who founded the airline of Zanzibar?")
    assert "Not in the documents" in texts(app)
    assert [expander.label for expander in app.expander] == ["Nearest passages", "How this was found"]


def test_a_thumb_and_a_correction_reach_the_database(shop: Path) -> None:
    app = ask(run(chat_page), "What is the refund window from delivery?")
    thumb(app, "down").click().run()
    app.text_area[0].set_value("Thirty days, with a receipt.")
    next(button for button in app.button if str(button.key).startswith("send-")).click().run()
    first, second = read_feedback(shop / "build" / "feedback.sqlite3")
    assert (first.thumb, first.correction, second.correction) == (
        "down",
        None,
        "Thirty days, with a receipt.",
    )
    assert first.answer_id == second.answer_id and first.citations[0]["source"] == "terms.md"
    assert first.history == ()
    assert first.generator == "extractive" and "refund window" in first.question


def test_without_retrieval_and_model_nobody_answers_and_the_page_says_how(shop: Path) -> None:
    app = run(chat_page)
    app.toggle(key="retrieval").set_value(False).run()
    assert "Retrieval is off and no model is loaded" in texts(app) and app.chat_input[0].disabled


def test_a_model_answers_closed_book_when_retrieval_is_off(
    shop: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_MODEL", str(tiny_llama))
    monkeypatch.setenv("ADVISOR_MAX_NEW_TOKENS", "4")
    app = run(chat_page)
    app.toggle(key="retrieval").set_value(False).run()
    ask(app, "Hello?")
    assert not app.error and not app.expander and len(app.chat_message) == 2


def test_a_broken_index_is_one_line_and_the_page_lives_on(place: Path) -> None:
    folder = place / "build" / "broken"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"format": 99}))
    app = ask(run(chat_page), "Anything?")
    assert "format 99" in app.error[0].value


def test_a_new_conversation_is_empty(shop: Path) -> None:
    app = ask(run(chat_page), "What is the refund window from delivery?")
    app.button(key="new").click().run()
    assert len(app.chat_message) == 0


class ByWord:
    """A classifier that takes what mentions a refund for positive."""

    def classify(self, texts: list[str]) -> list[tuple[str, float]]:
        return [("positive", 0.9) if "refund" in text else ("neutral", 0.6) for text in texts]


def test_a_classifier_labels_the_cited_sentence_and_its_adapter_is_kept_with_the_thumb(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"base_model": "minilm", "base_hash": "", "method": "lora", "objective": "classify", "trainable_params": 1,
            "total_params": 2, "rows": 3, "data_hash": "", "metrics_before": {}, "metrics_after": {}, "config": {},
            "libraries": {}, "created": "2026-01-01T00:00:00Z", "labels": ["neutral", "positive"]}  # fmt: skip
    folder = shop / "build" / "mood"
    folder.mkdir(parents=True)
    (folder / "adapter_card.json").write_text(json.dumps(card))
    monkeypatch.setattr("finetune.load_classifier", lambda model, adapter: ByWord(), raising=False)
    app = run(chat_page)
    app.selectbox(key="adapter").set_value("build/mood").run()
    ask(app, "What is the refund window from delivery?")
    assert ":violet-badge[positive 90%]" in texts(app)
    thumb(app, "up").click().run()
    [row] = read_feedback(shop / "build" / "feedback.sqlite3")
    assert (row.thumb, row.adapter, row.generator) == ("up", "build/mood", "extractive")


def test_the_chat_shows_how_an_answer_was_found_without_acting_on_the_documents(shop: Path) -> None:
    app = ask(run(chat_page), "Opening hours from Monday to Friday?")
    assert "How this was found" in [expander.label for expander in app.expander]
    shown = app.dataframe[0].value
    assert shown["Document"].tolist()[0] == "hours.txt"
    assert shown["Rank"].tolist()[0] == 1
    app = ask(app, "And on Friday?")
    assert any("Searched as" in caption.value for caption in app.caption)
    assert "<script>" not in texts(app)


def test_a_thumb_on_a_later_answer_keeps_the_conversation_before_it(shop: Path) -> None:
    app = ask(run(chat_page), "What is the refund window from delivery?")
    app = ask(app, "What are the opening hours from Monday to Friday?")
    [*_, last] = [button for button in app.button if str(button.key).startswith("up-")]
    last.click().run()
    [row] = read_feedback(shop / "build" / "feedback.sqlite3")
    assert [turn["role"] for turn in row.history] == ["user", "assistant"]
    assert row.history[0]["content"] == "What is the refund window from delivery?"


def test_a_thumb_that_cannot_be_kept_is_one_line(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_FEEDBACK", "oracel://host/x")
    app = ask(run(chat_page), "What is the refund window from delivery?")
    thumb(app, "up").click().run()
    assert "No database is called" in app.error[0].value.replace("\\", "") and not app.exception


# Feedback


THUMBS = (
    Feedback(question="How long?", answer="Thirty days.", thumb="up", generator="extractive"),
    Feedback(question="How long?", answer="Mail bob@example.com", thumb="down", correction="Thirty days."),
    Feedback(question="Where?", answer="", thumb="down"),
)


def test_no_feedback_names_the_next_step(place: Path) -> None:
    assert "Ask something in the chat" in texts(run(feedback_page))


def test_feedback_is_counted_filtered_and_exported(place: Path) -> None:
    add_all_feedback("build/feedback.sqlite3", THUMBS)
    app = run(feedback_page)
    assert [metric.value for metric in app.metric] == ["1", "2", "1"]
    app.segmented_control(key="feedback-thumb").set_value("down").run()
    assert app.dataframe[0].value["Answer"].tolist() == ["", "Mail bob@example.com"]
    app.toggle(key="export-mask").set_value(True)
    app.button(key="export").click().run()
    assert not app.exception and "Rows: 2" in app.success[0].value
    assert "1 × the answer is empty" in texts(app) and "Hidden: 1" in texts(app)
    assert "[email]" in (place / "build" / "exports" / "kto-1.jsonl").read_text()
    app.toggle(key="export-new").set_value(True)
    app.button(key="export").click().run()
    assert "exported already" in app.error[0].value and len(read_feedback("build/feedback.sqlite3")) == 3


def test_the_feedback_page_speaks_chinese(place: Path) -> None:
    add_all_feedback("build/feedback.sqlite3", THUMBS)
    app = AppTest.from_function(feedback_page, default_timeout=120)
    app.session_state["language"] = "zh"
    app.run()
    app.button(key="export").click().run()
    said = texts(app)
    assert "反馈" in said and "回答为空" in said and "Rows" not in said
