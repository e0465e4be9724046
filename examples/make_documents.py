"""Builds the PDF, DOCX, HTML and XLSX documents of an example set from its Markdown sources.

    python examples/make_documents.py finance [medical ...]

A source has front matter (`format`, `title`, `date`, `language`, `output`; optional `site`, `nav`,
`footer`) and a body of headings, paragraphs, lists, pipe tables and `\\newpage`. Markdown, plain text
and CSV documents are not built: they are written straight into `docs/`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

from markup import Block, Source, read_source
from office_writers import write_docx, write_xlsx
from pdf_writer import write_pdf

EXAMPLES = Path(__file__).resolve().parent


def inline_html(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text, quote=False))


def html_block(block: Block) -> str:
    if block.kind == "heading":
        return f"<h{block.level}>{inline_html(block.text)}</h{block.level}>"
    if block.kind == "table":
        head = "".join(f"<th>{inline_html(cell)}</th>" for cell in block.rows[0])
        rows = ["".join(f"<td>{inline_html(cell)}</td>" for cell in row) for row in block.rows[1:]]
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    if block.kind == "list":
        tag = "ul" if block.items[0].startswith("- ") else "ol"
        items = "\n".join(f"<li>{inline_html(re.sub(r'^(- |[0-9]+[.] )', '', i))}</li>" for i in block.items)
        return f"<{tag}>\n{items}\n</{tag}>"
    return f"<p>{inline_html(block.text)}</p>" if block.text else "<hr>"


STYLE = """body{font-family:Georgia,"Noto Serif SC",serif;max-width:46rem;
margin:0 auto;padding:1rem;line-height:1.55}
nav a{margin-right:1rem}table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem}
footer{margin-top:3rem;border-top:1px solid #bbb;font-size:.85rem;color:#555}"""


def write_html(source: Source, target: Path) -> None:
    front = source.front
    names = [name.strip() for name in front.get("nav", "").split(",") if name.strip()]
    nav = " ".join(f'<a href="#{i}">{escape(name)}</a>' for i, name in enumerate(names, 1))
    body = "\n".join(html_block(block) for block in source.blocks)
    page = f"""<!DOCTYPE html>
<html lang="{"zh-CN" if source.is_chinese else "en"}">
<head>
<meta charset="utf-8">
<title>{escape(front["title"])}</title>
<meta name="date" content="{front["date"]}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{STYLE}</style>
</head>
<body>
<header><strong>{escape(front.get("site", ""))}</strong>
<nav>{nav}</nav></header>
<main>
{body}
</main>
<footer><p>{escape(front.get("footer", ""))}</p></footer>
</body>
</html>
"""
    target.write_text(page, encoding="utf-8")


WRITERS: dict[str, Callable[[Source, Path], None]] = {
    "pdf": write_pdf,
    "docx": write_docx,
    "html": write_html,
    "xlsx": write_xlsx,
}


def build_set(folder: Path) -> list[Path]:
    """Build every source of `folder/source` into `folder/docs`; returns the written files."""
    sources = sorted((folder / "source").glob("*.md"))
    if not sources:
        raise FileNotFoundError(f"No sources in {folder / 'source'}; expected Markdown files there.")
    (folder / "docs").mkdir(exist_ok=True)
    written = []
    for path in sources:
        source = read_source(path)
        if source.front["format"] not in WRITERS:
            raise ValueError(
                f"{path}: unknown format {source.front['format']!r}; choose one of {sorted(WRITERS)}."
            )
        target = folder / "docs" / source.front["output"]
        WRITERS[source.front["format"]](source, target)
        written.append(target)
    return written


def main(names: list[str]) -> int:
    try:
        for name in names or ["finance", "medical"]:
            for path in build_set(EXAMPLES / name):
                print(f"{path.relative_to(EXAMPLES)}  {path.stat().st_size / 1024:.0f} KiB")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
