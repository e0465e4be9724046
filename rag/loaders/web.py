"""HTML: the main text with headings and tables; navigation, scripts and hidden parts are dropped."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from bs4 import BeautifulSoup, CData, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PreformattedString

from rag.loaders.blocks import Block, assemble
from rag.loaders.encodings import decode
from rag.loaders.hidden import is_hidden
from rag.loaders.rows import row_blocks
from rag.schema import Document

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.I)
_DROPPED = [
    "script",
    "style",
    "nav",
    "footer",
    "aside",
    "noscript",
    "template",
    "svg",
    "iframe",
    "button",
    "select",
]
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset")
    + ("figcaption", "figure", "form", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary")
    + ("table", "tbody", "td", "th", "tr", "ul")
)
_ROLES = ["navigation", "search", "contentinfo", "menu", "menubar"]
_FEWEST_LINKS, _LINK_LETTERS = 10, 60  # in a list of links; letters of the average one
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def load(path: Path, source: str) -> Document:
    """Read a saved page."""
    blocks, metadata = html_blocks(path.read_bytes())
    return assemble(blocks, source, metadata)


def html_blocks(data: bytes) -> tuple[list[Block], dict[str, str]]:
    """Blocks and metadata of a page; the charset comes from its meta element or from the bytes."""
    charset = _CHARSET.search(data[:4096])
    text = decode(data, charset.group(1).decode() if charset else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML reads well as HTML
        soup = BeautifulSoup(text, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    metadata = {"title": title} if title else {}
    if (when := _published(soup)) is not None:
        metadata["date"] = when
    _drop_furniture(soup)
    root = soup.select_one("main, [role=main]") or soup.body or soup
    blocks = _Walk()
    blocks.visit(root if isinstance(root, Tag) else soup)
    blocks.flush()
    return blocks.found, metadata


def _published(soup: BeautifulSoup) -> str | None:
    names = ("date", "dcterms.date", "article:published_time", "article:modified_time", "last-modified")
    for meta in soup.find_all("meta"):
        key = str(meta.get("name") or meta.get("property") or meta.get("itemprop") or "").lower()
        if key in names and (match := re.match(r"\d{4}-\d{2}-\d{2}", str(meta.get("content", "")))):
            return match.group()
    return None


def _drop_furniture(soup: BeautifulSoup) -> None:
    for tag in soup.find_all(_DROPPED):
        tag.decompose()
    for tag in soup.find_all(True):
        if tag.attrs is None or tag.decomposed:
            continue
        if tag.name != "body" and is_hidden(tag):
            tag.decompose()
    for tag in soup.find_all(role=_ROLES):
        if not tag.decomposed:
            tag.decompose()
    _drop_link_lists(soup)
    for tag in soup.find_all("header"):
        if tag.find_parent(["main", "article", "section"]):
            continue
        for part in tag.find_all("h1"):  # the page's title often stands in its header
            tag.insert_before(part.extract())
        tag.decompose()


def _drop_link_lists(soup: BeautifulSoup) -> None:
    """Lists of nothing but many short links lead elsewhere: languages, categories, menus. Unless they are the page."""
    lists = [tag for tag in soup.find_all(["ul", "ol"]) if _only_links(tag)]
    outermost = [tag for tag in lists if not any(parent in lists for parent in tag.parents)]
    within = sum(len(tag.get_text(strip=True)) for tag in outermost)
    if 2 * within < len(soup.get_text(strip=True)):
        for tag in outermost:
            tag.decompose()


def _only_links(tag: Tag) -> bool:
    links = [len(link.get_text(strip=True)) for link in tag.find_all("a")]
    letters = len(tag.get_text(strip=True))
    return (
        len(links) >= _FEWEST_LINKS
        and sum(links) >= 0.9 * letters
        and sum(links) <= _LINK_LETTERS * len(links)
    )


class _Walk:
    """Collects blocks while inline text gathers in a buffer."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self._inline: list[str] = []

    def flush(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._inline).split("\v"))  # \v marks <br>
        text = "\n".join(line for line in lines if line)
        self._inline.clear()
        if text:
            self.found.append(Block(text=text))

    def visit(self, tag: Tag) -> None:
        for child in tag.children:
            if isinstance(child, Tag):
                self._tag(child)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString | CData):
                self._inline.append(str(child))

    def _tag(self, tag: Tag) -> None:
        if tag.name in _HEADINGS:
            self.flush()
            self.found.append(Block(text=tag.get_text(), kind="heading", level=_HEADINGS[tag.name]))
        elif tag.name == "br":
            self._inline.append("\v")
        elif tag.name == "pre":
            self.flush()
            self.found.append(Block(text=tag.get_text()))
        elif tag.name == "table" and tag.find("table") is None:
            self.flush()
            self.found += _table(tag)
        elif tag.name in _BLOCKS:
            self.flush()
            if tag.name == "li":
                self._inline.append("- ")
            self.visit(tag)
            self.flush()
        else:
            self.visit(tag)


def _table(table: Tag) -> list[Block]:
    caption = table.find("caption")
    blocks = [Block(text=caption.get_text(" ", strip=True))] if caption else []
    rows: list[list[str]] = []
    header: bool | None = None
    carried: dict[int, tuple[int, str]] = {}
    for line in table.find_all("tr"):
        cells = line.find_all(["td", "th"])
        if not rows and cells and all(cell.name == "th" for cell in cells) and len(cells) > 1:
            header = True
        rows.append(_row(cells, carried))
    return blocks + row_blocks(rows, header)


def _row(cells: list[Tag], carried: dict[int, tuple[int, str]]) -> list[str]:
    """Cells of one line, those of earlier lines that reach down repeated: column -> (lines left, text)."""
    row: list[str] = []
    for cell in cells:
        while len(row) in carried:
            row.append(_carry(carried, len(row)))
        text = cell.get_text(" ", strip=True)
        lines, columns = _span(cell, "rowspan"), _span(cell, "colspan")
        for offset in range(columns):
            if lines > 1:
                carried[len(row)] = (lines - 1, text)
            row.append(text if offset == 0 else "")
    while len(row) in carried:
        row.append(_carry(carried, len(row)))
    return row


def _carry(carried: dict[int, tuple[int, str]], column: int) -> str:
    left, text = carried.pop(column)
    if left > 1:
        carried[column] = (left - 1, text)
    return text


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return (
        min(int(value), 100) if value.isdigit() and value != "0" else 1
    )  # a hostile page may claim millions
