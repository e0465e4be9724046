"""AsciiDoc, reStructuredText and LaTeX: verbatim, with the path of their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.text import headed, read_text
from rag.schema import Document

_ASCIIDOC = re.compile(r"^(={1,6})[ \t]+(\S.*?)(?:[ \t]+=+)?[ \t]*$", re.M)
_LATEX = re.compile(
    r"^[^%\n]*?\\(title|part|chapter|section|subsection|subsubsection)\*?(?:\[[^\]\n]*\])?\{([^}\n]+)\}", re.M
)
_LATEX_LEVELS = {"title": 1, "part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5}
_UNDERLINE = re.compile(r"([=\-`:.'\"~^_*+#])\1{2,}[ \t]*$")

Mark = tuple[int, int, str]  # start, level, name


def load_asciidoc(path: Path, source: str) -> Document:
    """ "= Title" and "== Section"."""
    text = read_text(path, source)
    return headed(text, source, ((m.start(), len(m[1]), m[2]) for m in _ASCIIDOC.finditer(text)))


def load_latex(path: Path, source: str) -> Document:
    r"""\title, \chapter, \section and those below."""
    text = read_text(path, source)
    marks = ((m.start(), _LATEX_LEVELS[m[1]], m[2].strip()) for m in _LATEX.finditer(text))
    return headed(text, source, marks)


def load_restructured(path: Path, source: str) -> Document:
    """Underlined lines; which sign stands for which level is told by the order in which they appear."""
    text = read_text(path, source)
    return headed(text, source, _underlined(text))


def _underlined(text: str) -> Iterator[Mark]:
    signs: list[str] = []
    start, before, begun, two_before = 0, "", 0, ""
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        under = _UNDERLINE.fullmatch(bare)
        title = before.strip()
        if under and title and not _UNDERLINE.fullmatch(before) and len(bare.rstrip()) >= len(title):
            over = bool(_UNDERLINE.fullmatch(two_before)) and two_before.strip()[:1] == under[1]
            sign = under[1] * (2 if over else 1)
            if sign not in signs:
                signs.append(sign)
            yield begun, signs.index(sign) + 1, title
        two_before, before, begun = before, bare, start
        start += len(line)
