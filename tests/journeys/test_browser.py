"""One visit in a real browser: advice, documents, a question, its citation, a thumb that reaches the database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.commands.serve import listen
from apps.feedback import Feedback, read_feedback

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 120_000  # the first question loads the embedding model
TERMS = "# Terms\n\nThe refund window is thirty days from delivery. Keep the receipt for the whole time.\n"
HOURS = "营业时间为周一至周五上午九点至下午五点。节假日休息。\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The real command in an empty folder, with documents beside it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "terms.md").write_text(TERMS, "utf-8")
    (tmp_path / "docs" / "hours.txt").write_text(HOURS, "utf-8")
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.cli", "chat", "--headless", "--port", str(port)],
        cwd=tmp_path,
        env=clean | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    with pytest.raises(urllib.error.URLError):  # the page ends with its command
        urllib.request.urlopen(url, timeout=5)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"advisor chat ended with status {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("advisor chat did not answer within a minute")


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of Debian's chromium; never one that was downloaded."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="en-GB")
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def answer_the_questionnaire(page: Any) -> None:
    page.get_by_label("GPU memory (GiB)").fill("24")
    page.get_by_label("Folder with documents").fill("docs")
    page.get_by_role("combobox", name="What does a good general model lack for it?").click()
    page.get_by_role("option", name="Knowledge", exact=True).click()
    page.get_by_role("button", name="Recommend").click()
    page.get_by_role("heading", name="Retrieval (RAG)").wait_for()
    page.get_by_text("advisor index docs").first.wait_for()
    page.get_by_role("heading", name="Memory").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download plan.json").click()
    assert '"needs"' in Path(download.value.path()).read_text("utf-8")


def index_the_folder(page: Any) -> None:
    page.get_by_role("link", name="Documents").click()
    page.get_by_label("Name of the new index").fill("shop")
    page.get_by_label("Or a folder on this machine").fill("docs")
    page.get_by_role("button", name="Index now").click()
    page.get_by_text("indexed: 2").wait_for()
    page.get_by_role("heading", name="Documents: 2").wait_for()


def ask_and_open_the_citation(page: Any) -> None:
    page.get_by_role("link", name="Chat").click()
    page.get_by_placeholder("Type a question").fill("What is the refund window from delivery?")
    page.keyboard.press("Enter")
    citation = page.get_by_test_id("stExpander").first
    citation.get_by_text("terms.md").click()
    mark = citation.locator("mark")
    mark.wait_for(state="visible")
    assert mark.inner_text() == "The refund window is thirty days from delivery."
    assert "Keep the receipt for the whole time." in citation.inner_text()


def test_a_visit_from_advice_to_thumbs_down(address: str, page: Any, tmp_path: Path) -> None:
    page.goto(address)
    answer_the_questionnaire(page)
    index_the_folder(page)
    ask_and_open_the_citation(page)
    page.get_by_role("button", name="thumb_down").click()
    page.get_by_label("What should the answer have been? (optional)").fill("Thirty days, with a receipt.")
    page.get_by_role("button", name="Send correction").click()
    page.get_by_role("button", name="Send correction").wait_for(state="detached")
    page.get_by_text("Thank you, noted.").wait_for()
    first, second = read_feedback(tmp_path / "build" / "feedback.sqlite3")
    assert (first.thumb, first.correction) == ("down", None)
    assert (second.thumb, second.correction) == ("down", "Thirty days, with a receipt.")
    assert second.citations[0]["quote"] == "The refund window is thirty days from delivery."
    assert second.citations[0]["source"] == "terms.md" and second.generator == "extractive"
    find_the_thumb_in_exported_rows(tmp_path, second)
    look_at_the_feedback(page)


def find_the_thumb_in_exported_rows(folder: Path, row: Feedback) -> None:
    """Through the command, as a person who trains on it would."""
    for kind in ("kto", "dpo"):
        command = [sys.executable, "-m", "apps.cli", "feedback", "export", "--format", kind, "--new"]
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        subprocess.run([*command, "--out", f"{kind}.jsonl"], cwd=folder, env=env, check=True)
    [thumb] = map(json.loads, (folder / "kto.jsonl").read_text("utf-8").splitlines())
    assert thumb["label"] is False and thumb["completion"][0]["content"] == row.answer
    asked = thumb["prompt"][-1]["content"]
    assert row.question in asked and "The refund window is thirty days from delivery." in asked
    [pair] = map(json.loads, (folder / "dpo.jsonl").read_text("utf-8").splitlines())
    assert pair["chosen"][0]["content"] == "Thirty days, with a receipt."
    assert pair["rejected"][0]["content"] == row.answer and pair["prompt"] == thumb["prompt"]


def look_at_the_feedback(page: Any) -> None:
    page.get_by_role("link", name="Feedback").click()
    page.get_by_text("Corrections").first.wait_for()
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_text("Rows: 1").wait_for()
