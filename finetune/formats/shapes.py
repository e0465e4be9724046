"""SHAPES: which columns make which kind of row. A new format is one converter and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from finetune.formats import conversations, judged, plain, search_pairs, span_rows
from finetune.schema import Example

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A format: the columns it needs, each under the names that people give it, the first being its own."""

    name: str
    columns: tuple[tuple[str, ...], ...]
    convert: Callable[[Row], Example | None]
    also: tuple[tuple[str, ...], ...] = ()  # columns that are read where they are there
    only: bool = False  # beside these it has no columns of another format


QUESTION = ("question", "query", "问题", "提问")
ANSWER = ("answer", "answers", "response", "答案", "回答", "回复")
COMPLETION = ("completion", "response", "output")
THUMB = ("thumb", "thumbs", "feedback", "label")
TEXT = ("text", "sentence", "headline", "content", "文本", "标题", "内容")
SYSTEM = (("system", "system_prompt"),)
SOURCES = ("source", "sources", "also", "doc_id", "document", "文档", "来源")  # read in rows of any format

# Looked at in this order; the first whose columns are all there reads the row.
SHAPES = (
    Shape(
        name="preference pairs",
        columns=(("chosen", "preferred_output"), ("rejected", "non_preferred_output")),
        convert=judged.pair,
        also=(("prompt", "instruction", "input", *QUESTION), ("conversations", "messages"), *SYSTEM),
    ),
    Shape(
        name="search pairs",
        columns=((*QUESTION, "anchor"), ("positive", "positives", "pos")),
        convert=search_pairs.search_pair,
        also=(("negatives", "negative", "neg"),),
    ),
    Shape(name="messages", columns=(("messages",),), convert=conversations.messages, also=SYSTEM),
    Shape(
        name="sharegpt",
        columns=(("conversations", "conversation"),),
        convert=conversations.sharegpt,
        also=SYSTEM,
    ),
    Shape(name="thumbs", columns=(("prompt",), COMPLETION, THUMB), convert=judged.thumb, also=SYSTEM),
    Shape(
        name="thumbs",
        columns=(("prompt", *QUESTION), ("completion", *ANSWER), THUMB[:-1]),
        convert=judged.thumb,
        also=SYSTEM,
    ),
    Shape(
        name="prompt/completion",
        columns=(("prompt",), COMPLETION),
        convert=conversations.prompt_completion,
        also=SYSTEM,
    ),
    Shape(
        name="alpaca",
        columns=(("instruction",), ("output", "response", "answer", "completion")),
        convert=conversations.alpaca,
        also=(("input", "context"), ("history",), *SYSTEM),
    ),
    Shape(
        name="labels",
        columns=(TEXT, ("label", "sentiment", "category", "class", "标签", "类别")),
        convert=plain.labelled,
    ),
    Shape(name="question/answer", columns=(QUESTION, ANSWER), convert=conversations.question, also=SYSTEM),
    Shape(name="question/answer", columns=(QUESTION, ("answerable",)), convert=conversations.question),
    Shape(name="raw text", columns=(TEXT,), convert=plain.raw),
)
# Questions without an answer, for objectives that sample one.
PROMPTS = (
    Shape(
        name="prompts", columns=(("prompt", *QUESTION),), convert=conversations.prompt, also=SYSTEM, only=True
    ),
    Shape(name="messages", columns=(("messages",),), convert=conversations.asked, also=SYSTEM),
)
PASSAGE = ("context", "passage", "原文", "段落")
# Questions about a passage, for the objective that marks the answer in it; to others they are conversations.
SPANS = (
    Shape(name="spans", columns=(QUESTION, PASSAGE, ("answers", *ANSWER)), convert=span_rows.spans),
    Shape(name="spans", columns=(QUESTION, PASSAGE, ("is_impossible",)), convert=span_rows.spans),
    Shape(name="spans", columns=(QUESTION, PASSAGE, ("answerable",)), convert=span_rows.spans),
)
# Other names that people give to the same split; what is not listed is an error, so that no row is lost by
# a typo.
SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "test": "test",
}


def example_of(
    row: Row, line: int, *, prompts: bool = False, spans: bool = False
) -> tuple[str, Example | None]:
    """The format's name and the row as an Example; None for a question without an answer that says so.

    With `prompts` any question without an answer is a row too; with `spans` a question about a passage is one whose
    answer is marked in it.

    Raises ValueError saying what is wrong with the row.
    """
    given = {str(name).strip().lower(): value for name, value in row.items()}
    for shape in (*(SPANS if spans else ()), *(PROMPTS if prompts else ()), *SHAPES):
        if not _missing(shape, given) and not (shape.only and _others(shape, given)):
            found = shape.convert(_own_names(given, shape))
            return shape.name, None if found is None else _placed(found, given, line)
    raise ValueError(f"columns {sorted(given)} fit no known format; {_hint(given)}")


def _own_names(given: Row, shape: Shape) -> Row:
    """The row's columns under the format's own names; everything else stays as it is."""
    renamed = dict(given)
    for names in (*shape.columns, *shape.also):
        found = next((name for name in names if name in given), None)
        if found is not None:
            renamed[names[0]] = given[found]
    return renamed


def _placed(example: Example, given: Row, line: int) -> Example:
    value = str(given.get("split") or "train").strip().lower()
    if value not in SPLITS:
        raise ValueError(f"split '{value}' is unknown; choose one of {sorted(SPLITS)}.")
    return replace(example, split=SPLITS[value], line=line, sources=_sources(given))


def _sources(given: Row) -> tuple[str, ...]:
    """The documents that a row names, under the names that people give them."""
    found = [value for name in SOURCES if (value := given.get(name)) is not None]
    listed = [one for value in found for one in (value if isinstance(value, (list, tuple)) else [value])]
    return tuple(dict.fromkeys(one.strip() for one in listed if isinstance(one, str) and one.strip()))


def _hint(given: Row) -> str:
    """For each column that looks like a known one, which one; else what would go with those that are known."""
    known = sorted({name for shape in SHAPES for names in shape.columns for name in names})
    guesses = []
    for name in given:
        near = get_close_matches(name, known, n=1, cutoff=0.72)
        if near and near[0] not in given:
            guesses.append(f"'{name}' meant to be '{near[0]}'")
    if guesses:
        return "is " + ", and ".join(guesses) + "?"
    nearest = min(SHAPES, key=lambda shape: len(_missing(shape, given)) / len(shape.columns))
    missing = _missing(nearest, given)
    if len(missing) < len(nearest.columns):
        return f"for {nearest.name} the column '{missing[0]}' is missing."
    formats = dict.fromkeys("+".join(names[0] for names in shape.columns) for shape in SHAPES)
    return "known are " + ", ".join(formats) + "."


def _others(shape: Shape, given: Row) -> list[str]:
    """Columns that make the row one of another format."""
    own = {name for names in (*shape.columns, *shape.also) for name in names}
    known = {name for other in SHAPES for names in other.columns for name in names}
    return [name for name in given if name in known - own]


def _missing(shape: Shape, given: Row) -> list[str]:
    return [names[0] for names in shape.columns if not any(name in given for name in names)]
