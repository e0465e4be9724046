"""`advisor serve` as a process: it says where it is, answers OpenAI's client from a real index, and stops."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from rag import build_index

ROOT = Path(__file__).parents[2]
TEXT = "The refund window is thirty days from delivery."


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "apps.cli", "serve", *arguments]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(line, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index and a key."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "docs").mkdir()
    (folder / "docs" / "terms.md").write_text(TEXT)
    (folder / "docs" / "hours.md").write_text("Opening hours are nine to five from Monday to Friday.")
    build_index(folder / "docs", folder / "index")
    (folder / "key.txt").write_text("s3cret\n")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[tuple[str, Any]]:
    """(base URL, process) of a service over the index that asks for a key."""
    process = start("--index", "index", "--port", "0", "--key-file", "key.txt", cwd=folder)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("Serving on http://127.0.0.1:"), said
    yield said.split()[2], process
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def test_openais_client_is_answered_from_the_index_streaming_and_not(service: Any) -> None:
    client = openai.OpenAI(base_url=service[0], api_key="s3cret", max_retries=0)
    messages: Any = [{"role": "user", "content": "What is the refund window from delivery?"}]
    whole = client.chat.completions.create(model="any", messages=messages)
    chunks = list(client.chat.completions.create(model="any", messages=messages, stream=True))
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    )
    for citation in (whole.choices[0].message.citations[0], chunks[-1].choices[0].delta.citations[0]):  # type: ignore[attr-defined]
        assert TEXT[citation["start"] : citation["end"]] == citation["quote"] == TEXT


def test_without_the_key_nothing_is_answered(service: Any) -> None:
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=service[0], api_key="guess", max_retries=0).models.list()


def test_a_second_service_on_the_port_is_one_line_and_status_2(service: Any, folder: Path) -> None:
    port = service[0].rsplit(":", 1)[1].split("/")[0]
    second = start("--index", "index", "--port", port, cwd=folder)
    _, said = second.communicate(timeout=60)
    assert (second.returncode, said) == (
        2,
        f"advisor: Port {port} on 127.0.0.1 is in use; give another with --port.\n",
    )


def test_a_missing_index_and_an_empty_key_are_one_line_each(folder: Path) -> None:
    (folder / "empty.txt").write_text("\n")
    for arguments, part in (
        (("--index", "nowhere"), "no index at nowhere"),
        (("--index", "index", "--key-file", "empty.txt"), "empty.txt is empty"),
        (("--index", "index", "--host", "no.such.host.invalid"), "Cannot listen on 'no.such.host.invalid'"),
    ):
        process = start(*arguments, "--port", "0", cwd=folder)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2 and part in said and said.count("\n") == 1, said
