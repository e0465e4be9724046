"""Folders of rows: what `datasets` saves, and files of rows side by side whose names tell their split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.formats.files import SUFFIXES, Read
from finetune.formats.shapes import SPLITS

STORED = ("dataset_dict.json", "state.json")  # DatasetDict and Dataset, by save_to_disk


def row_files(folder: Path) -> list[tuple[Path, str | None]]:
    """Files of rows in a folder with the split that each one's name tells; none in a `datasets` folder."""
    if any((folder / name).is_file() for name in STORED):
        return []
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and _is_rows(file)]
    return [(file, _split(file)) for file in files]


def _is_rows(file: Path) -> bool:
    return Path(file.name.lower().removesuffix(".gz")).suffix in SUFFIXES


def _split(file: Path) -> str | None:
    """ "train" of train-00000-of-00002.parquet, "dev" of dev.jsonl."""
    words = re.findall(r"[a-z]+", file.name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def stored_rows(folder: Path) -> Read:
    """Rows of a folder that `save_to_disk` wrote, numbered within each split. Raises ValueError for another."""
    if not any((folder / name).is_file() for name in STORED):
        raise ValueError(
            f"'{folder}' holds neither rows ({', '.join(SUFFIXES)}) nor texts nor a saved dataset."
        )
    import datasets

    try:
        stored = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"'{folder}' is no whole dataset ({str(error).splitlines()[0]}).") from None
    parts: dict[str, Any] = stored if isinstance(stored, dict) else {"": stored}
    for name, rows in parts.items():
        given = {"split": SPLITS.get(name, name)} if name else {}
        yield from _numbered({**given, **row} for row in _named_labels(rows))


def parquet_rows(file: Path) -> Read:
    from pyarrow import ArrowException  # type: ignore[import-untyped,unused-ignore]
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped,unused-ignore]

    try:
        batches = ParquetFile(file).iter_batches()
        yield from _numbered(row for batch in batches for row in batch.to_pylist())
    except (ArrowException, OSError) as error:
        raise ValueError(f"'{file}' is no Parquet file that can be read ({error}).") from None


def _numbered(rows: Iterator[dict[str, Any]]) -> Read:
    yield from enumerate(rows, start=1)


def _named_labels(rows: Any) -> Iterator[dict[str, Any]]:
    """Rows in which a class's number is replaced by its name."""
    names = {name: kind.names for name, kind in rows.features.items() if hasattr(kind, "names")}
    for row in rows:
        named = {name: words[row[name]] for name, words in names.items() if isinstance(row[name], int)}
        yield {**row, **named}
