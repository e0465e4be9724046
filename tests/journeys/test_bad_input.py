"""A person's mistakes: one line on standard error, exit status 2, and nothing lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from journeys.conftest import QUESTION, Terminal, write_rows

ROOT = Path(__file__).parents[2]
REFUSAL = "give a local folder, a hub name or 'minilm'"


@pytest.fixture(autouse=True)
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_pdf(path: Path, password: str = "") -> None:
    from fpdf import FPDF

    leaf = FPDF()
    leaf.add_page()
    leaf.set_font("helvetica", size=12)
    leaf.cell(text="The warranty lasts twenty-four months.")
    if password:
        leaf.set_encryption(owner_password=password, user_password=password)
    leaf.output(str(path))


@pytest.mark.parametrize("gib", ["-3", "0", "nan", "inf"])
def test_a_card_of_no_size_is_refused(advisor: Terminal, gib: str) -> None:
    assert "GiB is no size of a card; give GiB such as 8" in advisor("recommend", "--vram", gib).mistake


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("recommend --vram abc", "invalid float value: 'abc'; see 'advisor recommend --help'"),
        ("recommend --vram 24 --data nowhere", "nowhere does not exist"),
        ("recommend --vram 24 --data empty", "holds no document"),
        ("recommend --vram 24 --data file.txt", "file.txt is a file; name the folder"),
        ("recommend --vram 24 --examples torn.jsonl", "torn.jsonl:2: not JSON"),
        ("recommend --vram 24 --examples empty.jsonl", "holds no rows"),
        ("recommend --vram 24 --model nosuch", "Unknown model 'nosuch'"),
        ("recommend --vram 24 --out empty", "is a folder; name a file"),
        ("recommend --vram 24 --out file.txt/plan.json", "file.txt is a file; name a folder for the plan"),
        ("index nowhere --out x", "nowhere does not exist"),
        ("index empty --out x", "empty holds no documents; formats read: ."),
        ("index docs --out file.txt", "file.txt is a file; name a folder for the index"),
        ("index docs --out file.txt/x", "not a directory; check the path"),
        ("index docs --out others", "others is not empty and no index"),
        (
            "index docs --out x --store foo",
            "Unknown vector store 'foo'; choose one of ['exact', 'faiss', 'milvus']",
        ),
        ("index docs --out x --embedder nosuch", "Embedder 'nosuch' is no local folder, and the hub"),
        ("index docs --out x --plan file.txt", "The plan is no JSON"),
        (
            "index docs --out x --plan nowhere.json",
            "No plan at nowhere.json; write one with: advisor recommend",
        ),
        ("index docs --out x --plan noise.bin", "noise.bin is no plan"),
        ("index docs --out x --plan empty", "is a directory; check the path"),
        ("search refund", "No index named; give --index"),
        ("search refund --index docs", "no index at docs; make one with: advisor index"),
        ("ask hello", "give --index, or --model"),
        ("ask hello --index nowhere", "no index at nowhere"),
        ("ask hello --model no/such", f"Unknown model 'no/such'.*{REFUSAL}"),
        ("ask hello --model docs", "'docs' holds no config.json"),
        ("ask hello --adapter docs", "'docs' holds no adapter_card.json"),
        ("ask hello --adapter nowhere", "No adapter at 'nowhere'"),
        ("ask hello --api-base nonsense", "--api-base 'nonsense' is no URL"),
        ("serve --port 0", "Nothing to answer with; give --index, --model or --api-base"),
        ("serve --index nowhere --port 0", "no index at nowhere"),
        ("serve --index docs --port 70000", "Port 70000 does not exist"),
        ("train torn.jsonl --model minilm --out x", "torn.jsonl:2: not JSON"),
        ("train empty.jsonl --model minilm --out x", "holds no usable row"),
        ("train nowhere.jsonl --model minilm --out x", "No examples at 'nowhere.jsonl'"),
        ("train good.jsonl --out x", "No model named; give --model NAME"),
        ("train good.jsonl --model no/such --out x", f"Unknown model 'no/such'.*{REFUSAL}"),
        ("train good.jsonl --model minilm --out x --method foo", "Unknown method 'foo'; choose one of"),
        ("train good.jsonl --model minilm --out x --objective foo", "Unknown objective 'foo'; choose one of"),
        ("train good.jsonl --model minilm --out x --epochs -1", "epochs is -1.0; it must be more than 0"),
        ("train good.jsonl --model minilm --out others", "choose another --out"),
        ("train good.jsonl --plan file.txt --out x", "The plan is no JSON"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(
    advisor: Terminal, tmp_path: Path, line: str, part: str
) -> None:
    for folder in ("docs", "empty", "others"):
        (tmp_path / folder).mkdir()
    (tmp_path / "docs" / "a.md").write_text("The refund window is thirty days.")
    (tmp_path / "others" / "thesis.odt").write_text("mine")
    (tmp_path / "file.txt").write_text("no plan, no folder")
    (tmp_path / "noise.bin").write_bytes(b"\xa0\xff\x00")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "good.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 4)
    (tmp_path / "torn.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{torn\n')
    before = sorted(path for path in tmp_path.rglob("*"))
    mistake = advisor(*line.split()).mistake
    assert re.search(re.escape(part).replace(r"\.\*", ".*"), mistake), mistake
    assert sorted(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (("search", "refund", "-k", "0"), "k is 0; give -k 1 or more"),
        (("ask", "refund", "-k", "-1"), "k is -1; give -k 1 or more"),
        (("ask", "refund", "-k", "few"), "invalid int value: 'few'"),
        (("ask", "  "), "The question is empty"),
        (("search", ""), "The query is empty"),
        (("search", "refund", "--where", "nonsense"), "--where 'nonsense' is not KEY=VALUE"),
        (
            ("search", "refund", "--where", "sauce=a.md"),
            "No document has a 'sauce' for --where; choose one of",
        ),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    advisor: Terminal, index: Path, line: tuple[str, ...], part: str
) -> None:
    assert part in advisor(*line, "--index", index).mistake


def test_unreadable_files_among_good_ones_are_named_and_the_rest_is_indexed(
    advisor: Terminal, tmp_path: Path
) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    write_pdf(docs / "good.pdf")
    write_pdf(docs / "locked.pdf", password="secret")
    (docs / "torn.pdf").write_bytes(b"%PDF-1.4 rubbish")
    said = advisor("index", docs, "--out", out)
    assert said.status == 2 and "locked.pdf: encrypted; remove the password" in said.out
    assert said.err.splitlines()[-1].startswith(
        "advisor: Not read: locked.pdf, torn.pdf (reasons in the report)"
    )
    assert "twenty-four months" in advisor("ask", "How long does the warranty last?", "--index", out).out


def test_an_encrypted_pdf_alone_is_one_line(advisor: Terminal, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    write_pdf(tmp_path / "docs" / "locked.pdf", password="secret")
    said = advisor("index", "docs", "--out", "index")
    assert said.status == 2 and said.out == ""
    assert "locked.pdf: encrypted; remove the password" in said.err.splitlines()[-1]


def test_an_index_keeps_its_embedder_until_another_is_named(
    advisor: Terminal, documents: Path, index: Path, tmp_path: Path
) -> None:
    mine = shutil.copytree(index, tmp_path / "index")
    said = advisor("index", "--out", mine)
    assert said.status == 2 and "No documents named; give a folder, or --embedder NAME" in said.err
    said = advisor("index", "--out", mine, "--embedder", "minilm+nowhere")
    assert said.status == 2 and said.err.splitlines()[-1].startswith(
        "advisor: There is no adapter at nowhere"
    )
    said = advisor("index", "--out", mine, "--embedder", "minilm-fp32")
    assert "from embedder 'minilm' to 'minilm-fp32'" in said.err and "are embedded again" in said.err
    assert "Embedder: minilm-fp32" in said.out
    again = json.loads(advisor("index", documents, "--out", mine, "--json").out)
    assert (again["embedder"], again["embedded"], again["read"]) == ("minilm-fp32", 0, [])
    assert "thirty days" in advisor("ask", QUESTION, "--index", mine).out


def test_an_adapter_on_another_base_is_refused(
    advisor: Terminal, sums: Path, tiny_llama: Path, tiny_qwen2: Path
) -> None:
    assert advisor("train", sums, "--model", tiny_llama, "--max-steps", 1, "--out", "adapter").status == 0
    mistake = advisor("ask", "hello", "--model", tiny_qwen2, "--adapter", "adapter").mistake
    assert f"trained on '{tiny_llama}'; '{tiny_qwen2}' holds other weights" in mistake


@pytest.mark.parametrize("command", ["serve", "chat"])
def test_a_port_in_use_is_one_line(advisor: Terminal, index: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            f"Port {port} on 127.0.0.1 is in use"
            in advisor(command, "--index", index, "--port", port).mistake
        )


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from apps.cli import main
sys.exit(main(sys.argv[2:]))
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_full_disk_costs_neither_a_plan_nor_an_index(
    advisor: Terminal, documents: Path, index: Path, tmp_path: Path
) -> None:
    # The kernel refuses every write past the limit, as it would on a full disk.
    def on_a_full_disk(room: int, *argv: object) -> str:
        command = [sys.executable, "-c", LIMITED, str(room), *map(str, argv)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        return done.stderr.splitlines()[-1]

    assert advisor("recommend", "--vram", 24, "--out", "plan.json").status == 0
    plan = Path("plan.json").read_text("utf-8")
    said = on_a_full_disk(1000, "recommend", "--vram", 48, "--out", tmp_path / "plan.json")
    assert "the disk is full; free some space" in said.lower()
    assert Path("plan.json").read_text("utf-8") == plan and not Path("plan.json.new").exists()
    mine, docs = shutil.copytree(index, tmp_path / "index"), shutil.copytree(documents, tmp_path / "docs")
    (docs / "new.md").write_text("A new rule. " * 2000)
    room = (mine / "catalogue.sqlite3").stat().st_size
    assert "the index still answers as before" in on_a_full_disk(room, "index", docs, "--out", mine)
    assert "thirty days" in advisor("ask", QUESTION, "--index", mine).out
    assert advisor("index", docs, "--out", mine).status == 0


def interrupted(*argv: object, at: str, cwd: Path) -> str:
    """The last line of a command that gets Ctrl-C once it has said a line that begins with `at` and is half done."""
    process: Any = subprocess.Popen(
        [sys.executable, "-m", "apps.cli", *map(str, argv)],
        env=environment(), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr:
        words = line.split()
        if line.startswith(at) and 2 * int(words[1]) >= int(words[3].rstrip(",")):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and err.count("advisor: ") == 1 and "Traceback" not in err, (out, err)
    return str(err.splitlines()[-1])


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_after_ctrl_c_the_next_index_run_goes_on(advisor: Terminal, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(20):
        (docs / f"{number:02d}.md").write_text(
            "\n\n".join(f"# Rule {number}.{part}\n\nPoint {part} holds." for part in range(20))
        )
    said = interrupted("index", docs, "--out", "index", at="embed: ", cwd=tmp_path)
    assert "Run the same command again to go on" in said
    assert "was never completed" in advisor("ask", "rule 7", "--index", "index").mistake
    report = json.loads(advisor("index", docs, "--out", "index", "--json").out)
    assert report["documents"] == 20 and 0 < report["embedded"] <= report["chunks"] - 128


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_after_ctrl_c_the_next_training_run_goes_on(
    advisor: Terminal, sums: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    line = ("train", sums, "--model", tiny_llama, "--max-steps", 40, "--out", "adapter")
    said = interrupted(*line, at="train: ", cwd=tmp_path)
    assert "Training stopped at step" in said and "run the same command with --resume to go on" in said
    assert "give --resume to go on with it" in advisor(*line).mistake
    done = json.loads(advisor(*line, "--resume", "--json").out)
    assert done["steps"] == 40 and len(done["losses"]) == 40
    assert [path.name for path in tmp_path.glob("adapter*")] == ["adapter"]


def test_rows_without_an_answer_are_named_by_line(advisor: Terminal, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [{"prompt": "a", "completion": "b"}, {"colour": "red"}])
    assert ":2" in advisor("train", rows, "--model", "minilm", "--out", "x").mistake
