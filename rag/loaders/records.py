"""JSON and JSONL: each record keeps its keys, "key: value; key: value"; long texts become paragraphs of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.blocks import Block, assemble
from rag.loaders.encodings import decode
from rag.schema import Document

_LONG = 300  # characters: longer values stand alone, so that splitting finds their sentences
_DEEPEST_HEADING = 3
_DEEPEST = 60


def load_json(path: Path, source: str) -> Document:
    """One value; of an object, keys with objects below them are headings."""
    try:
        value = _parsed(decode(path.read_bytes()))
    except json.JSONDecodeError as error:
        raise ValueError(f"{source} is damaged: no JSON at line {error.lineno} ({error.msg}).") from error
    return assemble(_blocks(value, "", 1), source)


def load_jsonl(path: Path, source: str) -> Document:
    """One record a line; lines that are no JSON are left out and named in the metadata as `unread`."""
    blocks: list[Block] = []
    unread: list[int] = []
    for number, line in enumerate(decode(path.read_bytes()).split("\n"), start=1):
        if line.strip():
            try:
                blocks += _blocks(_parsed(line), "", _DEEPEST_HEADING + 1)
            except json.JSONDecodeError:
                unread.append(number)
    if unread and not blocks:
        raise ValueError(f"{source} is damaged: no line of it is JSON.")
    if not unread:
        return assemble(blocks, source)
    named = ", ".join(map(str, unread[:10])) + (f" and {len(unread) - 10} more" if len(unread) > 10 else "")
    return assemble(blocks, source, {"unread": f"no JSON in line {named}"})


def _parsed(text: str) -> Any:
    """Numbers stay as they are written: 1.10 is a version more often than a number."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _blocks(value: Any, key: str, level: int) -> Iterator[Block]:
    """`level` is that of a heading for the next object; beyond the deepest one, keys are joined by dots."""
    if level > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        yield from _object(value, key, level)
    elif isinstance(value, list):
        yield from _list(value, key, level)
    elif value is not None:
        yield Block(text=f"{key}: {_plain(value)}" if key else _plain(value))


def _object(value: dict[str, Any], key: str, level: int) -> Iterator[Block]:
    short = {name: item for name, item in value.items() if _is_short(item)}
    line = "; ".join(
        f"{_joined(key, name)}: {_inline(item)}" for name, item in short.items() if _inline(item)
    )
    if line:
        yield Block(text=line, kind="row")
    for name, item in value.items():
        if name in short:
            continue
        under_heading = isinstance(item, dict | list) and level <= _DEEPEST_HEADING and not key
        if under_heading:
            yield Block(text=name, kind="heading", level=level)
        yield from _blocks(item, "" if under_heading else _joined(key, name), level + 1)


def _list(value: list[Any], key: str, level: int) -> Iterator[Block]:
    if _is_short(value):
        yield Block(text=f"{key}: {_inline(value)}" if key else _inline(value))
        return
    for item in value:
        yield from _blocks(item, key, max(level, _DEEPEST_HEADING) + 1)  # records of a list have no headings


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return all(not isinstance(item, dict | list) for item in value) and len(_inline(value)) <= _LONG
    return not isinstance(value, dict) and len(_plain(value)) <= _LONG and "\n" not in _plain(value).strip()


def _inline(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value).strip()


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _joined(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
