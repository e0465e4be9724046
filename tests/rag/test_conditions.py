"""The language of filters: what it reads, and how it says what it cannot read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.conditions import (
    MOST_CHARACTERS,
    Among,
    Compare,
    Every,
    Not,
    Some,
    condition_of,
    fields_of,
    parse_condition,
)

A, B, C = Compare("a", "=", "1"), Compare("b", "=", "2"), Compare("c", "=", "3")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a = 1", A),
        ("a == 1 AND b=2", Every((A, B))),
        ("a=1 or b=2 and c=3", Some((A, Every((B, C))))),
        ("(a=1 or b=2) and c=3", Every((Some((A, B)), C))),
        ("not a=1 and b=2", Every((Not(A), B))),
        ("not (a=1 and b=2)", Not(Every((A, B)))),
        ("a in (1, '2')", Some((A, Compare("a", "=", "2")))),
        ("a not in (1)", Not(Some((A,)))),
        ('source ~ "reports/*.pdf"', Compare("source", "~", "reports/*.pdf")),
        ("title like '%Plan%'", Compare("title", "like", "%Plan%")),
        ("date>=2025-03-31", Compare("date", ">=", "2025-03-31")),
        ("source = 年报/一季度.md", Compare("source", "=", "年报/一季度.md")),
        (r'"my key" != "say \"no\""', Compare("my key", "!=", 'say "no"')),
        ("page <= 3", Compare("page", "<=", "3")),
    ],
)
def test_an_expression_is_read_as_it_is_meant(text: str, condition: object) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at character 1: expected a field such as source, page or date, found the end"),
        ("source", "at character 7: expected one of = != < <= > >= ~ like in, found the end"),
        ("source =", "at character 9: expected a value, found the end"),
        ("source = a b", "at character 12: expected 'and', 'or' or the end, found 'b'"),
        ("(source = a", "at character 12: expected 'and', 'or' or ')', found the end"),
        ("a in 1", "at character 6: expected '(' and a list of values, found '1'"),
        ("a in (1 2)", "at character 9: expected ',' or ')', found '2'"),
        ("a not = 1", "at character 7: expected 'in' or 'like', found '='"),
        ("a = 'open", 'at character 5: expected a closing quote, found "\'open"'),
        ("a = !", "at character 5: expected a field, a value or an operator, found '!'"),
        ("page = first", "at character 8: expected a whole number for the page, found 'first'"),
        ("page ~ 1*", "at character 6: expected one of = != < <= > >= in for a page, found '~'"),
        ("(" * 60 + "a=1" + ")" * 60, "expected at most 40 levels"),
        ("a = " + "1" * MOST_CHARACTERS, "characters; give at most 4000"),
    ],
)
def test_a_mistake_is_named_with_its_place_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ValueError) as mistake:
        parse_condition(text)
    assert said in str(mistake.value)
    assert "\n" not in str(mistake.value)


@given(st.text(alphabet=" ()=!<>~,'\"\\ab1andornotinlike\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_condition(text)
    except ValueError as mistake:
        assert "is wrong at character" in str(mistake)


def test_a_mapping_is_a_list_of_values_for_each_key() -> None:
    assert condition_of({"source": "a", "team": ["x", "y"], "page": 3}) == Every(
        (Among("source", ("a",)), Among("team", ("x", "y")), Among("page", ("3",)))
    )
    assert condition_of({}) is condition_of(None) is condition_of(" ") is None
    with pytest.raises(ValueError, match="A page is a whole number, not 'x'"):
        condition_of({"page": ["x"]})


def test_the_fields_of_a_condition_are_known() -> None:
    assert fields_of(parse_condition("not (a=1 or b in (2)) and source ~ x")) == {"a", "b", "source"}
