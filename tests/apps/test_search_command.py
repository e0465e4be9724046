"""`advisor search` as it is typed: filters, the record, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rag import Document, build_index

RunLine = Callable[..., str]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    documents = [
        Document(
            text="Refunds are paid in ten days.",
            source="shop.md",
            metadata={"date": "2024-05-01", "team": "a b"},
        ),
        Document(
            text="Refunds take a month.",
            source="old/shop (1).md",
            metadata={"date": "2020-01-01", "team": "lab"},
        ),
    ]
    build_index(documents, tmp_path / "index")
    return tmp_path / "index"


def sources(said: str) -> list[str]:
    return sorted(hit["chunk"]["source"] for hit in json.loads(said))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("--where 'date >= 2024'", ["shop.md"]),
        ('--where \'source ~ "old/*" or team = "a b"\'', ["old/shop (1).md", "shop.md"]),
        ("--where date=2024", ["shop.md"]),
        ("--where 'team = lab and date = 2024'", []),
        ("--where team='a b'", ["shop.md"]),
        ("--where 'source=old/shop (1).md'", ["old/shop (1).md"]),
        ("--where source=shop.md --where team=lab", []),
        ("--where team=lab --where 'team=a b'", ["old/shop (1).md", "shop.md"]),
        ("--where team=lab --where 'date < 2024'", ["old/shop (1).md"]),
    ],
)
def test_where_takes_pairs_and_expressions(
    run_line: RunLine, index: Path, where: str, found: list[str]
) -> None:
    assert sources(run_line(f"search refunds --index {index} --json {where}")) == found


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nonsense", "is not KEY=VALUE"),
        ("'date >= '", "at character 8: expected a value"),
        ("'colour = red'", "No document has a 'colour' for --where"),
        ("page=first", "A page is a whole number"),
    ],
)
def test_a_wrong_filter_is_one_line(run_line: RunLine, index: Path, where: str, said: str) -> None:
    mistake = run_line(f"search refunds --index {index} --where {where}", status=2)
    assert said in mistake
    assert mistake.count("\n") == 1


def test_the_record_is_printed_and_given_as_json(run_line: RunLine, index: Path) -> None:
    said = run_line(f"search 'refunds paid' --index {index} --trace --where 'date > 2000'")
    assert "filter    date > 2000" in said or "2 of 2 passages" in said
    assert all(part in said for part in ("query     refunds paid", "dense", "keyword", "fusion", "shop.md"))
    trace = json.loads(run_line(f"search 'refunds paid' --index {index} --trace --json -k 1"))
    assert [hit["rank"] for hit in trace["hits"]] == [1]
    assert len(trace["dropped"]) == 1
    assert {leg["name"] for leg in trace["legs"]} == {"dense", "keyword"}


@pytest.mark.parametrize(
    ("flag", "said"), [("--diversity 2", "diversity is 2.0"), ("--neighbours -1", "neighbours is -1")]
)
def test_a_setting_that_cannot_be_is_refused(run_line: RunLine, index: Path, flag: str, said: str) -> None:
    assert said in run_line(f"search refunds --index {index} {flag}", status=2)
