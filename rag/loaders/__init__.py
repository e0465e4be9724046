"""Files to Documents: the table of formats, one file, and a folder in a fixed order."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rag.loaders.dates import find_date
from rag.schema import Document

LOADERS: dict[str, str] = {
    ".adoc": "rag.loaders.plain_markup:load_asciidoc",
    ".asciidoc": "rag.loaders.plain_markup:load_asciidoc",
    ".csv": "rag.loaders.tables:load",
    ".doc": "rag.loaders.old_word:load",
    ".docx": "rag.loaders.office:load_docx",
    ".eml": "rag.loaders.mail:load",
    ".epub": "rag.loaders.books:load",
    ".htm": "rag.loaders.web:load",
    ".html": "rag.loaders.web:load",
    ".json": "rag.loaders.records:load_json",
    ".jsonl": "rag.loaders.records:load_jsonl",
    ".markdown": "rag.loaders.text:load_markdown",
    ".md": "rag.loaders.text:load_markdown",
    ".msg": "rag.loaders.outlook:load",
    ".nxml": "rag.loaders.markup:load",
    ".odp": "rag.loaders.opendocument:load",
    ".ods": "rag.loaders.opendocument:load",
    ".odt": "rag.loaders.opendocument:load",
    ".pdf": "rag.loaders.pdf:load",
    ".ppt": "rag.loaders.old_slides:load",
    ".pptx": "rag.loaders.slides:load",
    ".rst": "rag.loaders.plain_markup:load_restructured",
    ".rtf": "rag.loaders.richtext:load",
    ".tex": "rag.loaders.plain_markup:load_latex",
    ".tsv": "rag.loaders.tables:load",
    ".txt": "rag.loaders.text:load_plain",
    ".xhtml": "rag.loaders.web:load",
    ".xls": "rag.loaders.old_sheets:load",
    ".xlsm": "rag.loaders.office:load_xlsx",
    ".xlsx": "rag.loaders.office:load_xlsx",
    ".xml": "rag.loaders.markup:load",
    ".zip": "rag.loaders.archive:load",
}
MOST_CHARACTERS = 50_000_000  # of one document; books hold a million
NOTICE_NAME = "NOTICE.txt"  # at the root of a folder: a notice about the documents, not one of them
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS_ONLY = (
    ".csv",
    ".json",
    ".jsonl",
    ".ods",
    ".tsv",
    ".xls",
    ".xlsm",
    ".xlsx",
)  # a date in their first lines is a value, not the document's own


def load_document(path: Path, source: str) -> Document:
    """Read one file; `source` is the name it gets in citations.

    Raises ValueError with one line that names the file when it is encrypted, broken, empty or of an
    unknown format, OSError when it cannot be opened, ImportError when the extra is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in LOADERS:
        raise ValueError(f"{source}: format {suffix or 'without a suffix'} is not read; {_known()}")
    load = _loader(suffix)
    if path.stat().st_size == 0:
        raise ValueError(f"{source} is empty (0 bytes).")
    try:
        document = load(path, source)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # parsers raise what they like on a damaged file; the run must go on
        of_disk = isinstance(error, OSError) and error.errno is not None  # olefile's errors are OSErrors too
        if of_disk or (isinstance(error, ValueError) and str(error).startswith(source)):
            raise
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ValueError(
            f"{source} is damaged and could not be read as {suffix}: {reason}. Open and save it again."
        ) from error
    if not document.text.strip():
        raise ValueError(f"{source} holds no text.")
    if len(document.text) > MOST_CHARACTERS:
        limit = f"{MOST_CHARACTERS / 1e6:.0f} million characters"
        raise ValueError(f"{source} holds more than {limit} of text; split it.")
    # Half of a surrogate pair cannot be stored; one sign takes the place of one, so that spans still hold.
    text = _SURROGATE.sub("\ufffd", document.text)
    return replace(document, text=text, metadata=_described(document, suffix))


def list_files(folder: Path) -> list[tuple[Path, str]]:
    """Every visible file below `folder` with its source name, in the order of names; no notice."""
    if not folder.exists():
        raise FileNotFoundError(f"Folder {folder} does not exist; name a folder with documents.")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name the folder that holds it.")
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "~$")) for part in parts)
        if not hidden and parts != (NOTICE_NAME,) and path.is_file():
            found.append((path, "/".join(parts)))
    return sorted(found, key=lambda item: item[1])


def load_folder(folder: Path) -> tuple[list[Document], list[str]]:
    """All documents of a folder and, for every file that gave none, one line that says why."""
    documents: list[Document] = []
    problems: list[str] = []
    for path, source in list_files(folder):
        try:
            documents.append(load_document(path, source))
        except (ValueError, OSError) as error:
            problems.append(str(error))
    return documents, problems


def read_notice(folder: Path) -> str:
    """The text of NOTICE.txt at the root of the folder, "" when there is none."""
    path = folder / NOTICE_NAME
    return path.read_text(encoding="utf-8-sig", errors="replace").strip() if path.is_file() else ""


def _loader(suffix: str) -> Callable[[Path, str], Document]:
    module, function = LOADERS[suffix].split(":")
    try:
        found: Callable[[Path, str], Document] = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Reading {suffix} needs {error.name}: pip install 'llm-adaptation-advisor[rag]'"
        ) from error
    return found


def _described(document: Document, suffix: str) -> dict[str, str]:
    metadata = dict(document.metadata)
    date = find_date(document.source, document.text, bare=suffix not in _ROWS_ONLY)
    if "date" not in metadata and date:
        metadata["date"] = date
    if not metadata.get("title"):
        first = document.headings[0].path if document.headings else ""
        metadata["title"] = first or document.source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return metadata


def _known() -> str:
    return f"known formats are {', '.join(sorted(LOADERS))}."
