"""What a quick look into one file tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """The `text` (UTF-8) that was seen and which `share` of the whole it is; of a PDF whose text cannot be read only
    its `pages`, to be taken for `tokens_per_page` each."""

    text: bytes = b""
    share: float = 1.0
    pages: int = 0
    tokens_per_page: int = 0
    repeated: tuple[
        tuple[bytes, int], ...
    ] = ()  # names of columns, and on how many rows an index repeats them
    scanned: bool = False  # pages are pictures without a text layer

    @property
    def page_tokens(self) -> int:
        return self.pages * self.tokens_per_page
