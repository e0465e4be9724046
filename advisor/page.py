"""A rich console that prints into a text, for a terminal of a given width, with and without colour or blocks."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .line_breaks import broken
from .phrase import Language, spoken

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

SYMBOLS = {"yes": ("✓", "+", "green"), "tight": ("≈", "~", "yellow"), "no": ("✗", "x", "red")}


@dataclass(frozen=True, slots=True)
class Page:
    """Where a report is printed to, in which language, and whether the terminal has more than ASCII."""

    console: Console
    language: Language
    ascii_only: bool = False
    _out: io.StringIO = field(default_factory=io.StringIO)

    @property
    def width(self) -> int:
        return self.console.width

    def tell(self, text: str) -> str:
        return spoken(text, self.language)

    def line(self, text: object = "", *, indent: int = 0, hanging: int = 0) -> None:
        """One paragraph, wrapped; lines after the first are indented by `hanging` more."""
        from rich.padding import Padding
        from rich.text import Text

        first, *rest = self._wrapped(text, max(8, self.width - indent - hanging)) or [Text()]
        self.console.print(Padding(first, (0, 0, 0, indent)))
        for piece in rest:
            self.console.print(Padding(piece, (0, 0, 0, indent + hanging)))

    def _wrapped(self, text: object, cells: int) -> list[Text]:
        """rich breaks lines at spaces alone, of which Chinese has few."""
        from rich.text import Text

        if isinstance(text, Text):
            return list(text.wrap(self.console, cells))
        told = self.tell(
            text if isinstance(text, str) else str(text)
        )  # str() of a phrase would forget its making
        if self.language == "zh":
            return [Text(line) for line in broken(told, cells)]
        return list(Text(told).wrap(self.console, cells))

    def head(self, title: str, style: str = "bold") -> None:
        from rich.text import Text

        self.console.print()
        self.console.print(Text(self.tell(title), style=style))

    def symbol(self, verdict: str) -> tuple[str, str]:
        """A mark and its colour: yes, tight or no can be told apart without colour."""
        mark, plain, style = SYMBOLS[verdict]
        return plain if self.ascii_only else mark, style

    def text(self) -> str:
        """All that was printed, without spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._out.getvalue().splitlines()) + "\n"


def blank_page(*, width: int | None, colour: bool, language: Language, ascii_only: bool = False) -> Page:
    """`width` None = that of the terminal."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None,
        highlight=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    return Page(console, language, ascii_only, out)
