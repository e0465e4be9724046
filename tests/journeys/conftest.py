"""A terminal, and a small shop's documents in five formats, for stories told through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.cli import main

POLICY = """# Refunds

The refund window is thirty days from the date of delivery.

# 保修

台灯的保修期为二十四个月，请保留收据。
"""
QUESTION = "What is the refund window from the date of delivery?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command left: its exit status and both streams."""

    status: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The one line on standard error of a command that was refused."""
        assert self.status == 2 and self.err.startswith("advisor"), (self.status, self.out, self.err)
        assert self.err.count("\n") == 1 and "Traceback" not in self.err, self.err
        return self.err


Terminal = Callable[..., Said]


@pytest.fixture
def advisor(capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Types a command in this process: advisor("index", folder, "--out", index)."""

    def run(*argv: object) -> Said:
        capsys.readouterr()
        try:
            status = main([str(word) for word in argv])
        except SystemExit as stop:
            status = int(stop.code or 0)
        found = capsys.readouterr()
        return Said(status=status, out=found.out, err=found.err)

    return run


def write_documents(folder: Path) -> Path:
    """Markdown, text, CSV, DOCX, XLSX, HTML and PDF."""
    import docx
    import openpyxl
    from fpdf import FPDF

    folder.mkdir(parents=True)
    (folder / "policy.md").write_text(POLICY, "utf-8")
    (folder / "hours.txt").write_text("Opening hours are nine to five from Monday to Friday.\n", "utf-8")
    (folder / "prices.csv").write_text("item,price\nlamp,20\nchair,45\n", "utf-8")
    (folder / "staff.html").write_text("<html><body><p>The manager is Ada Byron.</p></body></html>", "utf-8")
    letter = docx.Document()
    letter.add_paragraph("Parcels leave the warehouse in Graz every Tuesday.")
    letter.save(str(folder / "parcels.docx"))
    book = openpyxl.Workbook()
    for row in (("branch", "desks"), ("Graz", 12), ("Linz", 7)):
        book.active.append(row)
    book.save(folder / "branches.xlsx")
    leaflet = FPDF()
    for sentence in ("Repairs are free in the first year.", "Assembly of a wardrobe takes three hours."):
        leaflet.add_page()
        leaflet.set_font("helvetica", size=12)
        leaflet.cell(text=sentence)
    leaflet.output(str(folder / "leaflet.pdf"))
    return folder


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_documents(tmp_path_factory.mktemp("shop") / "docs")


@pytest.fixture(scope="session")
def index(documents: Path) -> Path:
    """An index of the documents with MiniLM. Only read it: the session shares it."""
    from rag import build_index

    build_index(documents, documents.with_name("index"))
    return documents.with_name("index")


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """24 questions with answers."""
    rows = [{"prompt": f"What is {n} plus {n}?", "completion": f"It is {2 * n}."} for n in range(24)]
    return write_rows(tmp_path / "sums.jsonl", rows)


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory, build_tiny_model: Callable[..., Path]) -> Path:
    """A random Llama that reads a prompt with passages."""
    return build_tiny_model(tmp_path_factory.mktemp("writer") / "tiny-writer", "llama", context=2048)
