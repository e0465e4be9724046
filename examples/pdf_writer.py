"""Writes a source as an A4 PDF with ruled tables, page numbers and embedded fonts, Chinese ones included."""

from __future__ import annotations

import re
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import FontFace
from markup import Block, Source, plain

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
