"""The principles that a judge holds answers against: the shipped ones, or a file of one's own."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FORM = 'give one principle a line, or TOML: principles = ["...", "..."].'


@dataclass(frozen=True, slots=True, kw_only=True)
class Principles:
    """Sentences, the weightier first, and the name of where they stand."""

    name: str
    sentences: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Changes with every word of the principles."""
        return hashlib.sha256("\n".join(self.sentences).encode()).hexdigest()[:12]


def load_principles(path: str | Path | None = None) -> Principles:
    """Of a text file, a principle a line ("#" opens a remark), or of TOML. Raises OSError or ValueError in one line."""
    if path is None:
        shipped = files("apps").joinpath("principles.toml").read_text("utf-8")
        return Principles(name="shipped", sentences=_of_toml(shipped, "the shipped principles"))
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"No principles at '{file}'; {_FORM}")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"'{file}' is not UTF-8; save it as UTF-8 and try again.") from None
    read = _of_toml(text, f"'{file}'") if file.suffix.lower() == ".toml" else _of_lines(text)
    if not read:
        raise ValueError(f"'{file}' holds no principle; {_FORM}")
    return Principles(name=file.name, sentences=read)


def _of_lines(text: str) -> tuple[str, ...]:
    lines = (" ".join(line.split()).removeprefix("- ") for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _of_toml(text: str, place: str) -> tuple[str, ...]:
    try:
        found = tomllib.loads(text).get("principles")
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{place} is not valid TOML: {error}") from None
    if not isinstance(found, list) or not all(isinstance(sentence, str) for sentence in found):
        raise ValueError(f"{place} has no list of sentences; {_FORM}")
    return tuple(sentence.strip() for sentence in found if sentence.strip())
