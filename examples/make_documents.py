"""Builds the PDF, DOCX, HTML and XLSX documents of an example set from its Markdown sources.

    python examples/make_documents.py finance [medical ...]

A source has front matter (`format`, `title`, `date`, `language`, `output`; optional `site`, `nav`,
`footer`) and a body of headings, paragraphs, lists, pipe tables and `\\newpage`. Markdown, plain text
and CSV documents are not built: they are written straight into `docs/`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document as new_docx
from docx.oxml.ns import qn
from docx.shared import Pt
from fpdf import FPDF
from fpdf.fonts import FontFace
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

EXAMPLES = Path(__file__).resolve().parent
# Each language: candidate (regular, bold) font files and the package that brings them.
FONTS: dict[str, tuple[list[tuple[str, str]], str]] = {
    "en": (
        [
            ("truetype/dejavu/DejaVuSansCondensed.ttf", "truetype/dejavu/DejaVuSansCondensed-Bold.ttf"),
            ("truetype/dejavu/DejaVuSans.ttf", "truetype/dejavu/DejaVuSans-Bold.ttf"),
        ],
        "fonts-dejavu",
    ),
    "zh": (
        [
            ("truetype/wqy/wqy-microhei.ttc", "truetype/wqy/wqy-microhei.ttc"),
            ("truetype/droid/DroidSansFallbackFull.ttf", "truetype/droid/DroidSansFallbackFull.ttf"),
        ],
        "fonts-wqy-microhei",
    ),
}
# A Chinese line may break between any two characters, but not inside a number or a Latin word,
# nor before closing punctuation.
ZH_PIECE = re.compile(r"(?:[（“《「]*(?:[!-~]+|[^!-~]))[，。；：、！？）”》」%]*")
NUMBER = re.compile(r"-?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a source: kind is heading, paragraph, list, table or newpage."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed source file: its front matter and its blocks."""

    front: dict[str, str]
    blocks: tuple[Block, ...] = field(default=())

    @property
    def date(self) -> datetime:
        return datetime.fromisoformat(self.front["date"])

    @property
    def is_chinese(self) -> bool:
        return self.front["language"] == "zh"


def read_source(path: Path) -> Source:
    """Parse one source; ValueError names the file and what its front matter lacks."""
    match = re.match(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    if not match:
        raise ValueError(f"{path} has no front matter; start it with --- format, title, date ... ---")
    pairs = (line.split(":", 1) for line in match[1].splitlines() if ":" in line)
    front = {key.strip(): value.strip().strip('"') for key, value in pairs}
    missing = {"format", "title", "date", "language", "output"} - set(front)
    if missing:
        raise ValueError(f"{path}: front matter lacks {sorted(missing)}.")
    joiner = "" if front["language"] == "zh" else " "
    return Source(front=front, blocks=tuple(parse_blocks(match[2], joiner)))


def parse_blocks(body: str, joiner: str) -> Iterator[Block]:
    """Cut a body into blocks; paragraphs written over several lines are joined with `joiner`."""
    for part in re.split(r"\n\s*\n", re.sub(r"(?m)^(#+ .*|\\newpage)$", r"\n\1\n", body).strip()):
        lines = [line.strip() for line in part.strip().splitlines() if line.strip()]
        if not lines:
            continue
        if lines[0] == "\\newpage":
            yield Block(kind="newpage")
        elif heading := re.match(r"(#+) (.*)", lines[0]):
            yield Block(kind="heading", level=len(heading[1]), text=heading[2])
        elif lines[0].startswith("|"):
            rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
            yield Block(kind="table", rows=tuple(r for r in rows if not re.fullmatch(r"[-: ]+", "".join(r))))
        elif re.match(r"(- |\d+\. )", lines[0]):
            items = re.split(r"\n(?=- |\d+\. )", "\n".join(lines))
            yield Block(kind="list", items=tuple(joiner.join(item.splitlines()) for item in items))
        else:
            yield Block(kind="paragraph", text=joiner.join(lines))


def plain(text: str) -> str:
    """The text without `**` marks."""
    return text.replace("**", "")


def find_font(language: str) -> tuple[Path, Path]:
    """Regular and bold font files of a language; FileNotFoundError names the package that brings them."""
    candidates, package = FONTS[language]
    for regular, bold in candidates:
        found = (Path("/usr/share/fonts") / regular, Path("/usr/share/fonts") / bold)
        if all(path.exists() for path in found):
            return found
    raise FileNotFoundError(
        f"No font for {language!r} in /usr/share/fonts; run: apt-get install -y {package}"
    )


class Paper(FPDF):
    """An A4 document whose footer carries the title and the page number."""

    def __init__(self, source: Source) -> None:
        super().__init__(format="A4")
        self.source = source
        for style, path in zip(("", "B"), find_font(source.front["language"]), strict=True):
            self.add_font("body", style, path)
        self.set_title(source.front["title"])
        self.set_author(source.front.get("site", ""))
        self.set_lang("zh-CN" if source.is_chinese else "en")
        self.set_creation_date(source.date)
        self.set_margins(22, 20, 22)
        self.set_auto_page_break(True, margin=22)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("body", "", 8)
        self.set_text_color(110)
        page = f"第 {self.page_no()} 页" if self.source.is_chinese else f"Page {self.page_no()}"
        self.cell(0, 6, f"{self.source.front['title']}  |  {page}", align="C")
        self.set_text_color(0)

    def lines(self, text: str, width: float) -> str:
        """Chinese text with its line breaks put in; other text as it is (the library breaks at spaces)."""
        if not self.source.is_chinese:
            return text
        lines = [""]
        for piece in ZH_PIECE.findall(text):
            if lines[-1] and self.get_string_width(lines[-1] + piece) > width - 2.5:
                lines.append("")
            lines[-1] = lines[-1] + piece if lines[-1] else piece.lstrip()
        return "\n".join(lines)

    def write_text(
        self, text: str, *, size: float, style: str = "", indent: float = 0, after: float = 2
    ) -> None:
        self.set_font("body", style, size)
        self.set_x(self.l_margin + indent)
        text = self.lines(plain(text), self.epw - indent)
        self.multi_cell(self.epw - indent, size * 0.52, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(after)

    def write_heading(self, block: Block) -> None:
        size = {1: 19, 2: 14, 3: 11.5}.get(block.level, 10.5)
        if self.will_page_break(size * 2.2):
            self.add_page()
        self.ln(2.5 if block.level > 1 else 0)
        self.set_text_color(20, 60, 110)
        self.write_text(block.text, size=size, style="B", after=2.2)
        self.set_text_color(0)

    def write_table(self, rows: tuple[tuple[str, ...], ...]) -> None:
        self.set_font("body", "", 8.5)
        columns = list(zip(*rows, strict=True))
        # Wide columns are damped, so that one long cell does not starve the numbers beside it.
        widest = [max(self.get_string_width(plain(cell)) for cell in column) + 5 for column in columns]
        damped = [min(width, 18 + width * 0.45) for width in widest]
        widths = [width * self.epw / sum(damped) for width in damped]
        aligns = ["RIGHT" if is_numeric(column[1:]) else "LEFT" for column in columns]
        face = FontFace(emphasis="BOLD", fill_color=(226, 234, 243))
        with self.table(
            col_widths=widths, text_align=aligns, headings_style=face, line_height=4.8, padding=0.8
        ) as table:
            for row in rows:
                table.row([self.lines(plain(c), w - 1.6) for c, w in zip(row, widths, strict=True)])
        self.ln(3.5)


def is_numeric(cells: tuple[str, ...]) -> bool:
    """Whether a column holds figures, so that it is set flush right."""
    figures = [
        cell for cell in cells if re.fullmatch(r"[-+(]?[€$¥]?[\d.,]+( ?%| ?pp)?\)?|n/a|[–-]|", plain(cell))
    ]
    return len(cells) > 0 and len(figures) >= 0.7 * len(cells)


def write_pdf(source: Source, target: Path) -> None:
    paper = Paper(source)
    paper.add_page()
    for block in source.blocks:
        if block.kind == "newpage":
            paper.add_page()
        elif block.kind == "heading":
            paper.write_heading(block)
        elif block.kind == "table":
            paper.write_table(block.rows)
        elif block.kind == "list":
            for item in block.items:
                paper.write_text(re.sub(r"^- ", "• ", item), size=10, indent=4, after=0.8)
            paper.ln(1.5)
        else:
            paper.write_text(block.text, size=10)
    paper.output(str(target))


def write_docx(source: Source, target: Path) -> None:
    document = new_docx()
    properties = document.core_properties
    properties.title, properties.author = source.front["title"], source.front.get("site", "")
    properties.created = properties.modified = source.date
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "Microsoft YaHei")
    for block in source.blocks:
        if block.kind == "newpage":
            document.add_page_break()
        elif block.kind == "heading":
            document.add_heading(plain(block.text), level=min(block.level, 4))
        elif block.kind == "table":
            table = document.add_table(rows=len(block.rows), cols=len(block.rows[0]), style="Table Grid")
            for row, cells in zip(table.rows, block.rows, strict=True):
                for cell, text in zip(row.cells, cells, strict=True):
                    add_runs(cell.paragraphs[0], f"**{plain(text)}**" if cells is block.rows[0] else text)
            document.add_paragraph()
        elif block.kind == "list":
            for item in block.items:
                bullet = item.startswith("- ")
                paragraph = document.add_paragraph(style="List Bullet" if bullet else "Normal")
                add_runs(paragraph, item.removeprefix("- "))
        else:
            add_runs(document.add_paragraph(), block.text)
    document.save(str(target))
    fix_archive(target, source)


def add_runs(paragraph: object, text: str) -> None:
    """Add text to a Word paragraph, `**marked**` pieces in bold."""
    for i, piece in enumerate(text.split("**")):
        if piece:
            paragraph.add_run(piece).bold = bool(i % 2)  # type: ignore[attr-defined]


def fix_archive(path: Path, source: Source) -> None:
    """Rewrite an Office file with fixed times, so that a rebuild gives the same bytes."""
    with ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    stamp = rf"\g<1>{source.date:%Y-%m-%dT%H:%M:%SZ}\g<2>".encode()
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in members:
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*(</dcterms:)", stamp, data)
            info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, data)


def write_xlsx(source: Source, target: Path) -> None:
    """Each second-level heading becomes a sheet: its table, then its paragraphs as notes below."""
    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = source.front["title"], source.front.get("site", "")
    sheet = None
    for block in source.blocks:
        if block.kind == "heading" and block.level == 2:
            sheet = book.create_sheet(block.text[:31])
        elif sheet is not None and block.kind == "table":
            first = sheet.max_row + 2 if sheet.max_row > 1 else 1
            for row in block.rows:
                sheet.append([as_cell(plain(cell)) for cell in row])
            for cell in sheet[first]:
                cell.font = Font(bold=True)
            for i, column in enumerate(sheet.columns):
                widest = max((len(str(cell.value or "")) for cell in column), default=8)
                sheet.column_dimensions[chr(65 + i)].width = min(
                    60, widest * (1.9 if source.is_chinese else 1.1) + 2
                )
        elif sheet is not None and block.kind in ("paragraph", "list"):
            for text in (block.text, *block.items):
                if text:
                    sheet.append([])
                    sheet.append([plain(text)])
    for page in book.worksheets:
        for row in page.iter_rows():
            for cell in row:
                cell.alignment = Alignment(
                    wrap_text=cell.column > 1 or len(str(cell.value or "")) < 60, vertical="top"
                )
    book.save(target)
    fix_archive(target, source)


def as_cell(text: str) -> str | int | float:
    """A number where the text is one; codes with leading zeros, percentages and dates stay text."""
    if not NUMBER.fullmatch(text):
        return text
    figure = text.replace(",", "")
    return float(figure) if "." in figure else int(figure)


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
