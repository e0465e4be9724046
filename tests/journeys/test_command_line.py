"""The whole path, typed: recommend, index, search, ask, train, ask again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from journeys.conftest import QUESTION, Terminal, write_documents, write_rows

from rag.loaders import load_document


@pytest.fixture(autouse=True)
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without advisor.toml, and short answers: a random model never ends one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVISOR_MAX_NEW_TOKENS", "8")


def test_a_plan_on_paper_is_the_plan_on_the_screen(
    advisor: Terminal, documents: Path, sums: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "new folder" / "plan.json"
    said = advisor(
        "recommend", "--vram", 24, "--data", documents, "--examples", sums, "--json", "--out", plan
    )
    assert said.status == 0 and said.err == ""
    assert json.loads(said.out) == json.loads(plan.read_text("utf-8"))
    text = advisor("recommend", "--vram", 24, "--data", documents, "--examples", sums).out
    assert text.startswith("Recommended: ") and "advisor " in text
    assert [file.name for file in plan.parent.iterdir()] == ["plan.json"]


def test_a_second_run_reads_only_what_changed(advisor: Terminal, tmp_path: Path) -> None:
    docs, out = write_documents(tmp_path / "docs"), tmp_path / "index"
    first = json.loads(advisor("index", docs, "--out", out, "--json").out)
    assert (first["documents"], len(first["read"]), len(first["failed"])) == (7, 7, 0)
    (docs / "hours.txt").write_text("Opening hours are ten to six from Monday to Friday.\n")
    (docs / "prices.csv").unlink()
    second = json.loads(advisor("index", docs, "--out", out, "--json").out)
    assert (second["read"], second["removed"]) == (["hours.txt"], ["prices.csv"])
    assert len(second["unchanged"]) == 5 and second["embedded"] == 1
    assert "ten to six" in advisor("ask", "What are the opening hours?", "--index", out).out


def test_normal_commands_say_nothing_but_progress_on_standard_error(
    advisor: Terminal, documents: Path, tmp_path: Path
) -> None:
    built = advisor("index", documents, "--out", tmp_path / "index")
    assert {line.split(":")[0] for line in built.err.splitlines()} == {"read", "embed", "write"}
    for command in (("search", "refund"), ("ask", QUESTION)):
        said = advisor(*command, "--index", tmp_path / "index")
        assert (said.status, said.err) == (0, "")


def test_search_names_places_and_keeps_to_a_filter(advisor: Terminal, index: Path) -> None:
    assert advisor("search", "refund window", "--index", index).out.startswith("1. policy.md")
    hits = json.loads(advisor("search", "wardrobe", "--index", index, "-k", 2, "--json").out)
    assert len(hits) == 2 and (hits[0]["chunk"]["source"], hits[0]["chunk"]["page"]) == ("leaflet.pdf", 2)
    only = advisor("search", "refund", "--index", index, "--where", "source=hours.txt", "--json")
    assert {hit["chunk"]["source"] for hit in json.loads(only.out)} == {"hours.txt"}
    assert advisor("search", "refund", "--index", index, "--where", "source=x").out == "Nothing found.\n"


@pytest.mark.parametrize(
    ("question", "source", "quoted"),
    [
        (QUESTION, "policy.md", "thirty days"),
        ("台灯的保修期是多久？", "policy.md", "二十四个月"),
        ("How long does the assembly of a wardrobe take?", "leaflet.pdf", "three hours"),
        ("When do parcels leave the warehouse in Graz?", "parcels.docx", "every Tuesday"),
    ],
)
def test_a_cited_quote_stands_in_its_source_where_it_is_said_to(
    advisor: Terminal, documents: Path, index: Path, question: str, source: str, quoted: str
) -> None:
    answer = json.loads(advisor("ask", question, "--index", index, "--json").out)
    assert not answer["refused"] and quoted in answer["text"]
    assert source in {citation["source"] for citation in answer["citations"]}
    for citation in answer["citations"]:
        text = load_document(documents / citation["source"], citation["source"]).text
        assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_what_the_documents_do_not_say_is_refused(advisor: Terminal, index: Path) -> None:
    answer = json.loads(advisor("ask", "Who won the chess olympiad in 1978?", "--index", index, "--json").out)
    assert answer["refused"] and answer["citations"] == []
    said = advisor("ask", "Who won the chess olympiad in 1978?", "--index", index).out
    assert bool(answer["hits"]) == ("Nearest passages" in said)


def test_the_printed_answer_shows_source_page_and_quote(advisor: Terminal, index: Path) -> None:
    said = advisor("ask", "Does the assembly of a wardrobe take three hours?", "--index", index).out
    assert "[1] leaflet.pdf, page 2, characters " in said
    assert '"Assembly of a wardrobe takes three hours."' in said


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_tuned_model_answers_closed_book_and_with_documents(
    advisor: Terminal, index: Path, sums: Path, writer: Path, tmp_path: Path, method: str
) -> None:
    out = tmp_path / "adapter"
    flags = ("--model", writer, "--method", method, "--max-steps", 2, "--lora-rank", 4)
    trained = advisor("train", sums, *flags, "--out", out, "--json")
    assert trained.status == 0 and "Warning" not in trained.err, trained.err
    card = json.loads(trained.out)["card"]
    assert card["method"] == method and card["metrics_before"]["loss"] != card["metrics_after"]["loss"]
    for more in ((), ("--index", index)):
        said = advisor("ask", QUESTION, "--model", writer, "--adapter", out, *more, "--json")
        answer = json.loads(said.out)
        assert (answer["generator"], answer["adapter"]) == (str(writer), str(out)) and said.err == ""
        assert bool(answer["hits"]) == bool(more)


def test_a_finished_adapter_is_not_replaced_unasked(
    advisor: Terminal, sums: Path, writer: Path, tmp_path: Path
) -> None:
    line = ("train", sums, "--model", writer, "--max-steps", 1, "--out", tmp_path / "adapter")
    first = advisor(*line)
    assert "loss: " in first.out and f"Saved to {tmp_path / 'adapter'}" in first.out
    assert "replace it with --overwrite" in advisor(*line).mistake
    assert advisor(*line, "--overwrite").status == 0


def test_a_tuned_encoder_labels_a_question_and_an_answer(
    advisor: Terminal, index: Path, tmp_path: Path
) -> None:
    texts = {"time": "It takes {} hours from Monday to Friday.", "money": "The price is {} euros in cash."}
    rows = [{"text": text.format(n), "label": label} for label, text in texts.items() for n in range(12)]
    headlines, out = write_rows(tmp_path / "labels.jsonl", rows), tmp_path / "labels"
    line = ("--objective", "classify", "--model", "minilm", "--max-steps", 12, "--learning-rate", 0.003)
    trained = advisor("train", headlines, *line, "--out", out)
    assert "accuracy: " in trained.out and " before, " in trained.out
    assert advisor("ask", "The price is 40 euros.", "--adapter", out).out.startswith("money (")
    both = json.loads(
        advisor("ask", "What are the opening hours?", "--index", index, "--adapter", out, "--json").out
    )
    assert both["labels"][0]["label"] == "time" and both["citations"]


def test_a_plan_leads_to_an_index_and_a_training_run(
    advisor: Terminal, documents: Path, sums: Path, writer: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    assert (
        advisor("recommend", "--vram", 24, "--data", documents, "--examples", sums, "--out", plan).status == 0
    )
    shutil.copytree(documents, tmp_path / "docs")
    assert advisor("index", tmp_path / "docs", "--out", tmp_path / "index", "--plan", plan).status == 0
    # The plan names a model that is not here; the flag wins, and the method stays the plan's.
    line = ("--plan", plan, "--model", writer, "--max-steps", 1)
    trained = json.loads(advisor("train", sums, *line, "--out", tmp_path / "adapter", "--json").out)
    planned = {option["method"] for option in json.loads(plan.read_text("utf-8"))["options"]} - {"none"}
    assert trained["card"]["method"] in planned and trained["card"]["base_model"] == str(writer)
