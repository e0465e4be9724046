"""Recommendation <-> JSON, the plan.json that other commands read; every field of the records, none computed."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .schema import Needs, Recommendation

SCHEMA_VERSION = 1


def to_json(recommendation: Recommendation) -> str:
    """The whole recommendation; `best` repeats what the first option is, for readers that need no more."""
    best = recommendation.best
    head = {"strategy": best.strategy, "method": best.method, "model": best.model}
    content = {"schema_version": SCHEMA_VERSION, "best": head, **asdict(recommendation)}
    return json.dumps(content, ensure_ascii=False, indent=2)


def from_json(text: str) -> Recommendation:
    """Reads what to_json wrote. Raises ValueError for no JSON, another version, or a missing or malformed field."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"The plan is no JSON ({error}); write it with: advisor recommend --out plan.json"
        ) from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"The plan has schema_version {version!r}, this program reads {SCHEMA_VERSION}; "
            "write it again with: advisor recommend --out plan.json"
        )
    values = {key: value for key, value in content.items() if key not in ("schema_version", "best")}
    recommendation: Recommendation = _decode(Recommendation, values, "plan")
    if not recommendation.options:
        raise ValueError("The plan holds no option; write it again with: advisor recommend --out plan.json")
    return recommendation


def as_asked(plan: Recommendation) -> Needs:
    """The answers of the user alone, without what the data told: with them recommend() decides the plan anew.

    A plan that was read back holds plain English; recommend(plan.hardware, plan.data, as_asked(plan)) says it in
    another language.
    """
    return replace(plan.needs, **dict.fromkeys(plan.learned))


@cache
def _hints(record: type) -> dict[str, Any]:
    return get_type_hints(record)


def _decode(kind: Any, value: Any, where: str) -> Any:
    """Builds the annotated type from plain JSON values; ValueError says where it does not match."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _decode(next(arm for arm in inner if arm is not type(None)), value, where)
    if origin is Literal:
        return value if value in inner else _refuse(value, where, f"one of {list(inner)}")
    if origin is tuple:
        items = value if isinstance(value, list) else _refuse(value, where, "a list")
        return tuple(_decode(inner[0], item, f"{where}[{index}]") for index, item in enumerate(items))
    if origin is dict:
        pairs = value if isinstance(value, dict) else _refuse(value, where, "an object")
        return {str(key): _decode(inner[1], item, f"{where}.{key}") for key, item in pairs.items()}
    if is_dataclass(kind):
        return _record(kind, value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    matches = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return value if matches else _refuse(value, where, kind.__name__)


def _record(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        _refuse(value, where, "an object")
    names = [item.name for item in fields(kind)]
    unknown = [key for key in value if key not in names]
    if unknown:
        raise ValueError(f"{where} has an unknown field {unknown[0]!r}; known: {', '.join(names)}.")
    hints = _hints(kind)
    try:
        return kind(**{key: _decode(hints[key], item, f"{where}.{key}") for key, item in value.items()})
    except TypeError as error:
        raise ValueError(f"{where} is incomplete: {error}") from None


def _refuse(value: Any, where: str, wanted: str) -> Any:
    raise ValueError(f"{where} is {value!r:.60}, not {wanted}.")
