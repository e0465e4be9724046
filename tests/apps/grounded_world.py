"""A few documents and questions about them, for the tests of grounded rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.schema import Example
from rag import Document, build_index
from tests.fakes import HashEmbedder

TOWNS = (
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Gorse",
    "Hazel",
    "Ivy",
    "Juniper",
    "Larch",
    "Maple",
)


def opened(folder: Path, texts: dict[str, str]) -> Any:
    return build_index(
        [Document(text=text, source=source) for source, text in texts.items()],
        folder / "index",
        embedder=HashEmbedder(),
    )


def town_texts() -> dict[str, str]:
    return {
        f"towns/{town.lower()}.txt": f"{town} lies by a river. The mayor of {town} is called {town}son. "
        f"{town} has {11 * at} bridges."
        for at, town in enumerate(TOWNS, start=1)
    }


def asked(question: str, answer: str, line: int = 1, **more: Any) -> Example:
    turns = ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    return Example(messages=turns, line=line, **more)


def town_questions() -> list[Example]:
    return [
        asked(f"Who is the mayor of {town}?", f"The mayor of {town} is called {town}son.", line)
        for line, town in enumerate(TOWNS, start=1)
    ]
