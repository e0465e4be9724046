"""EPUB: the chapters of the spine in their order, read as the web pages that they are."""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from urllib.parse import unquote

from rag.loaders.blocks import Block, assemble
from rag.loaders.packed import check_archive
from rag.loaders.safe_xml import Element, local_name, parse_xml
from rag.loaders.web import html_blocks
from rag.schema import Document

_PAGES = ("application/xhtml+xml", "text/html")


def load(path: Path, source: str) -> Document:
    """Chapters keep their headings; one without any is headed by its title, unless that is the book's."""
    check_archive(path, source)
    with zipfile.ZipFile(path) as archive:
        if "META-INF/encryption.xml" in archive.namelist() and "META-INF/rights.xml" in archive.namelist():
            raise ValueError(f"{source} is encrypted (digital rights management).")
        package = _package_name(archive)
        root = parse_xml(archive.read(package))
        metadata = _metadata(root)
        blocks: list[Block] = []
        for name in _spine(root, posixpath.dirname(package)):
            if name in archive.namelist():
                blocks += _chapter(archive.read(name), metadata.get("title", ""))
    return assemble(blocks, source, metadata)


def _package_name(archive: zipfile.ZipFile) -> str:
    container = parse_xml(archive.read("META-INF/container.xml"))
    names = [str(item.get("full-path")) for item in container.iter() if local_name(item) == "rootfile"]
    if not names:
        raise ValueError("its container names no book")
    return names[0]


def _metadata(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in root.iter():
        text = " ".join((item.text or "").split())
        if local_name(item) == "title" and text:
            found.setdefault("title", text)
        elif local_name(item) == "creator" and text:
            found.setdefault("author", text)
    return found


def _spine(root: Element, folder: str) -> list[str]:
    pages: dict[str, str] = {}
    order: list[str] = []
    for item in root.iter():
        if local_name(item) == "item" and item.get("media-type") in _PAGES:
            place = posixpath.normpath(posixpath.join(folder, unquote(str(item.get("href", "")))))
            pages[str(item.get("id"))] = place
        elif local_name(item) == "itemref":
            order.append(str(item.get("idref")))
    return list(dict.fromkeys(pages[name] for name in order if name in pages))


def _chapter(data: bytes, book: str) -> list[Block]:
    blocks, own = html_blocks(data)
    title = own.get("title", "")
    if blocks and title and title != book and not any(block.kind == "heading" for block in blocks):
        return [Block(text=title, kind="heading", level=1), *blocks]
    return blocks
