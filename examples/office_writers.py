"""Writes a source as Word or Excel file; a rebuild gives the same bytes."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document as new_docx
from docx.oxml.ns import qn
from docx.shared import Pt
from markup import Source, plain
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

NUMBER = re.compile(r"-?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?")


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
