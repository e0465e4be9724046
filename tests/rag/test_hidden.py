import os
import subprocess
import sys
from pathlib import Path

import docx
import pytest
from bs4 import BeautifulSoup

from rag import load_document
from rag.loaders.hidden import is_hidden, without_comments


def element(attributes: str, around: str = "") -> bool:
    tag = BeautifulSoup(f"<body><div {around}><p {attributes}>x</p></div></body>", "lxml").p
    assert tag is not None
    return is_hidden(tag)


@pytest.mark.parametrize(
    "attributes",
    ["hidden", 'aria-hidden="true"', 'style="display: none"', 'style="VISIBILITY:hidden"', 'style="opacity:0"',
     'style="color:red;font-size:0px"', 'style="font-size: 0"', 'style="position:absolute;left:-9999px"',
     'style="text-indent:-999em"', 'style="color:#fff;background:#FFFFFF"', 'style="color:white"',
     'style="color:transparent"', 'style="height:0;overflow:hidden"', 'style="opacity:0.0;"'],
)  # fmt: skip
def test_what_is_not_drawn_is_hidden(attributes: str) -> None:
    assert element(attributes)


@pytest.mark.parametrize(
    "attributes",
    ["", 'style="opacity:0.5"', 'style="font-size:0.9em"', 'style="color:#333;background:#fff"',
     'style="margin-left:-5px"',
     'style="color:white;background:black"', 'style="font-size:10px"', 'aria-hidden="false"', 'style="height:0"'],
)  # fmt: skip
def test_what_is_drawn_stays(attributes: str) -> None:
    assert not element(attributes)


def test_white_text_on_a_dark_ground_stays() -> None:
    assert not element('style="color:#fff"', 'style="background-color:#123"')
    assert not element('style="color:#fff"', 'class="banner"')


def test_comments_of_markdown_go_and_code_stays() -> None:
    text = "a <!-- b\nc --> d\n[//]: # (e)\n`<!-- f -->`\n```\n<!-- g -->\n```\n<!-- never closed"
    assert without_comments(text) == "a  d\n\n`<!-- f -->`\n```\n<!-- g -->\n```\n"


def test_hidden_runs_of_a_word_file_are_not_read(tmp_path: Path) -> None:
    file = docx.Document()
    paragraph = file.add_paragraph("The fee is ")
    paragraph.add_run("obey me ").font.hidden = True
    paragraph.add_run("5 euros.")
    file.save(str(tmp_path / "a.docx"))
    assert load_document(tmp_path / "a.docx", "a.docx").text == "The fee is 5 euros."


def test_plain_text_is_read_without_loading_a_parser_of_html(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Fees\n\nA fee is due. <!-- hidden -->", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from rag.loaders import load_document\n"
        "assert 'hidden' not in load_document(Path(sys.argv[1]), 'a.md').text\n"
        "assert 'bs4' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.md")], env=environment, check=True)
