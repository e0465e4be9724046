"""What a caller names (folders, files, addresses, documents) as candidates, with the notice of the folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rag.candidates import Candidate, find_candidates, is_address
from rag.loaders import read_notice
from rag.schema import Document

Documents = str | Path | Iterable[Document | Path | str]


def gather(documents: Documents, index: Path) -> tuple[list[Candidate], list[str], str]:
    """Candidates, lines for skipped files, and the notice; files of the index itself are no documents.

    Raises FileNotFoundError for a folder that is missing, ValueError for one without documents and for two
    documents of one source.
    """
    named = [documents] if isinstance(documents, str | Path) else list(documents)
    single = isinstance(documents, str | Path)
    folders = [Path(str(item)) for item in named if _is_folder(item, single)]
    others = [item for item in named if not _is_folder(item, single)]
    candidates, skipped = find_candidates(others) if others or not folders else ([], [])
    for folder in folders:
        found, lines = find_candidates(folder, index)
        candidates, skipped = candidates + found, skipped + lines
    times = Counter(candidate.source for candidate in candidates)
    if twice := next((source for source, count in times.items() if count > 1), None):
        raise ValueError(f"Two documents have the source {twice!r}; index the folder that holds both.")
    notices = dict.fromkeys(read_notice(folder) for folder in folders if folder.is_dir())
    return candidates, skipped, "\n\n".join(notice for notice in notices if notice)


def _is_folder(item: Document | Path | str, single: bool) -> bool:
    """Whether to look for files below it; a single path that is missing counts, so that it is named as it was given."""
    if isinstance(item, Document) or (isinstance(item, str) and is_address(item)):
        return False
    return Path(item).is_dir() or (single and not Path(item).is_file())
