"""Which names, titles and dates make versions of one document, and which make instalments or strangers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from rag.versions import find_superseded


@dataclass(frozen=True)
class Listed:
    source: str
    metadata: dict[str, str] = field(default_factory=dict)


def older(*documents: Listed | str) -> dict[str, list[str]]:
    listed = [Listed(entry) if isinstance(entry, str) else entry for entry in documents]
    return {
        listed[number].source: [listed[newer].source for newer in entry.by]
        for number, entry in find_superseded(listed).items()
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("policy-v1.md", "policy-v2.md"),
        ("policy v1.9.pdf", "policy v1.10.pdf"),
        ("policy_2019.pdf", "policy_2023.docx"),
        ("spec_rev1.pdf", "spec_rev3.pdf"),
        ("rules-draft.md", "rules-final.md"),
        ("outlook-initial.html", "outlook-update.html"),
        ("archive/travel.md", "travel.md"),
        ("a/handbook-2020-01.md", "a/handbook-2021-01.md"),
        ("规章制度（初稿）.docx", "规章制度（定稿）.docx"),
        ("员工手册第一版.docx", "员工手册第二版.docx"),
        ("就诊指南2023年.md", "就诊指南2025年.md"),
    ],
)
def test_versions_are_told_by_their_names(old: str, new: str) -> None:
    assert older(old, new) == older(new, old) == {old: [new]}


@pytest.mark.parametrize(
    "names",
    [
        ["annual-report-2023.pdf", "annual-report-2024.pdf"],
        ["minutes-2024-01-15.txt", "minutes-2024-02-15.txt"],
        ["2023年度报告.pdf", "2024年度报告.pdf"],
        ["room1.md", "room2.md"],
        ["model-x200.md", "model-x300.md"],
        ["1998.md", "1999.md"],
        ["a/policy-v1.md", "b/policy-v2.md"],
        ["policy.md", "policy-v2.md"],  # the one without a number may be either
    ],
)
def test_instalments_and_strangers_stand_beside_one_another(names: list[str]) -> None:
    assert older(*names) == {}


def test_one_title_with_two_dates_makes_versions_whatever_the_names() -> None:
    first = Listed("tp.docx", {"title": "Travel policy", "date": "2022-01-01"})
    second = Listed("export77.docx", {"title": "Travel Policy (revised)", "date": "2024-01-01"})
    assert older(first, second) == {"tp.docx": ["export77.docx"]}


def test_a_title_that_many_share_makes_none() -> None:
    assert (
        older(*(Listed(f"p{n}x.html", {"title": "Our site", "date": f"20{n}-01-01"}) for n in range(10, 30)))
        == {}
    )


def test_what_metadata_declares_counts() -> None:
    new = Listed("new.md", {"supersedes": "old-rules.md; none.md"})
    assert older(new, "old-rules.md") == {"old-rules.md": ["new.md"]}
