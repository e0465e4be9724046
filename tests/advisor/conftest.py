"""Folders and files of documents and examples, made in a few milliseconds."""

import json
import zipfile

import pytest

DOCX = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p>{}</w:p></w:document>'


def _write_docx(path, text):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", DOCX.format(f"<w:t>{text}</w:t>"))


def _write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def write_docx():
    return _write_docx


@pytest.fixture
def write_rows():
    return _write_rows


@pytest.fixture
def documents(tmp_path):
    """Six readable documents in five formats, English and Chinese."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "refunds.md").write_text("# Refunds\n\nThe refund window is thirty days.\n" * 20, "utf-8")
    (folder / "deep" / "fees.txt").write_text("The yearly fee is 1.2 percent of the assets.\n" * 20, "utf-8")
    (folder / "rates.csv").write_text("year,rate\n2024,3.1\n2025,2.8\n", "utf-8")
    (folder / "about.html").write_text(
        "<html><script>var x = 1;</script><p>We keep money safe.</p></html>", "utf-8"
    )
    (folder / "zh.txt").write_text("本基金的年费率为百分之一点二。" * 40, "utf-8")
    _write_docx(folder / "contract.docx", "Notice period is three months. " * 20)
    return folder


@pytest.fixture
def qa_file(tmp_path):
    rows = [
        {"question": "How long is the refund window?", "answer": "thirty days", "source": "refunds.md"},
        {"question": "What is the yearly fee?", "answer": "1.2 percent", "source": "deep/fees.txt"},
        {"question": "Who founded it?", "answer": "Nobody knows", "source": "refunds.md"},
        {"question": "When is lunch?", "answer": "", "answerable": False},
    ]
    return _write_rows(tmp_path / "qa.jsonl", rows)
