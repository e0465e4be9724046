"""What an update of an index did, as a record, as JSON and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReport:
    """What an update did; `skipped`, `failed` and `unread` hold "name: reason" lines."""

    read: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()  # taken over from a document of the same bytes, without being read
    unread: tuple[str, ...] = ()  # what was left out of files that were read
    embedded: int = 0  # texts whose vectors were computed
    documents: int = 0  # in the index now
    chunks: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self)

    def render(self) -> str:
        """A line of counts, then one line for each document that is not in the index whole."""
        moved = f"{len(self.moved)} known under another name, " if self.moved else ""
        counts = (
            f"{self.documents} documents, {self.chunks} chunks: "
            f"{len(self.read)} read, {len(self.unchanged)} unchanged, {len(self.removed)} removed, "
            f"{moved}{self.embedded} texts embedded, {len(self.failed)} failed, {len(self.skipped)} skipped"
        ) + (f", {len(self.unread)} read in part" if self.unread else "")
        return "\n".join(
            [
                counts,
                *(f"  failed   {line}" for line in self.failed),
                *(f"  skipped  {line}" for line in self.skipped),
                *(f"  in part  {line}" for line in self.unread),
            ]
        )
