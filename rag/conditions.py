"""What a filter asks of a passage, and the parser of its small language; it evaluates nothing.

    source ~ "reports/*.pdf" and (date >= 2025-01 or team in (desk, lab)) and not page > 20

Fields are `source`, `page` and any metadata. Words need quotes when they hold spaces or signs of the language.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast, get_args

MOST_CHARACTERS = 4000
MOST_DEPTH = 40

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "like"]


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one value. `~` is a pattern of * and ?, `like` one of % and _ that ignores case."""

    field: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Among:
    """The field is one of these, letter by letter."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Condition, ...]


Condition = Compare | Among | Not | Every | Some
Where = str | Mapping[str, Any] | Condition


def condition_of(where: Where | None) -> Condition | None:
    """The condition that an expression or a mapping of keys to a value or several states; None for none.

    ValueError in one line for an expression that is wrong: where, what was expected, what stood there.
    """
    if where is None or isinstance(where, Compare | Among | Not | Every | Some):
        return where
    if isinstance(where, str):
        return parse_condition(where) if where.strip() else None
    if not where:
        return None
    for value in where.get("page", ()) if _is_several(where.get("page")) else [where.get("page", 1)]:
        if not _is_number(str(value)):
            raise ValueError(f"A page is a whole number, not {value!r}.")
    return Every(tuple(Among(str(key), _values(value)) for key, value in where.items()))


def fields_of(condition: Condition) -> set[str]:
    """The names of the fields that a condition asks about."""
    if isinstance(condition, Compare | Among):
        return {condition.field}
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return set().union(*(fields_of(part) for part in parts))


def _is_several(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)


def _values(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if _is_several(value) else (str(value),)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}", text) is not None


# The language

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>!=|<=|>=|==|[=<>~])|(?P<mark>[(),])
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>[^\s()=!<>~,"']+))""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = ("and", "or", "not", "in", "like")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # operator, mark, quoted, word, keyword, end
    text: str
    at: int


def parse_condition(text: str) -> Condition:
    """Read an expression. ValueError names the character where it goes wrong and what was expected there."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"The filter has {len(text)} characters; give at most {MOST_CHARACTERS}.")
    parser = _Parser(text)
    condition = parser.either(0)
    if parser.next.kind != "end":
        parser.fail("'and', 'or' or the end")
    return condition


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def fail(self, expected: str) -> NoReturn:
        _fail(self._text, self.next.at, expected, self.next.text)

    def either(self, depth: int) -> Condition:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _both(self, depth: int) -> Condition:
        parts = [self._negated(depth)]
        while self._take("and"):
            parts.append(self._negated(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _negated(self, depth: int) -> Condition:
        if depth > MOST_DEPTH:
            self.fail(f"at most {MOST_DEPTH} levels of 'not' and parentheses")
        if self._take("not"):
            return Not(self._negated(depth + 1))
        if not self._take("("):
            return self._comparison()
        inner = self.either(depth + 1)
        if not self._take(")"):
            self.fail("'and', 'or' or ')'")
        return inner

    def _comparison(self) -> Condition:
        field = self._value("a field such as source, page or date")
        negated = self._take("not")
        if self._take("in"):
            found: Condition = self._list(field)
        elif self._take("like"):
            found = self._compared(field, "like")
        elif self.next.kind == "operator" and not negated:
            found = self._compared(field, self._operator())
        else:
            self.fail("'in' or 'like'" if negated else f"one of {' '.join(get_args(Operator))} in")
        return Not(found) if negated else found

    def _operator(self) -> Operator:
        sign = "=" if self.next.text == "==" else self.next.text
        self._at += 1
        return cast(Operator, sign)

    def _compared(self, field: str, operator: Operator) -> Compare:
        if field == "page" and operator in ("~", "like"):
            self._at -= 1
            self.fail("one of = != < <= > >= in for a page")
        return Compare(field, operator, self._field_value(field))

    def _list(self, field: str) -> Condition:
        if not self._take("("):
            self.fail("'(' and a list of values")
        values = [self._field_value(field)]
        while self._take(","):
            values.append(self._field_value(field))
        if not self._take(")"):
            self.fail("',' or ')'")
        return Some(tuple(Compare(field, "=", value) for value in values))

    def _field_value(self, field: str) -> str:
        if field == "page" and not _is_number(_unquoted(self.next)):
            self.fail("a whole number for the page")
        return self._value("a value")

    def _value(self, expected: str) -> str:
        token = self.next
        if token.kind not in ("word", "quoted"):
            self.fail(expected)
        self._at += 1
        return _unquoted(token)

    def _take(self, text: str) -> bool:
        found = self.next.kind in ("keyword", "mark") and self.next.text.lower() == text
        self._at += found
        return found


def _unquoted(token: _Token) -> str:
    return (
        re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL) if token.kind == "quoted" else token.text
    )


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            closing = text[start] in "\"'"
            _fail(
                text, start, "a closing quote" if closing else "a field, a value or an operator", text[start:]
            )
        word, kind = match[match.lastgroup], match.lastgroup
        is_keyword = kind == "word" and word.lower() in _KEYWORDS
        found.append(_Token("keyword" if is_keyword else kind, word, match.start(kind)))
        at = match.end()
    return [*found, _Token("end", "", end)]


def _fail(text: str, at: int, expected: str, found: str) -> NoReturn:
    what = repr(found[:30]) if found else "the end"
    raise ValueError(
        f"The filter {text[:80]!r} is wrong at character {at + 1}: expected {expected}, found {what}."
    )
