import json
from dataclasses import replace
from pathlib import Path

import pytest

from advisor import (
    DataProfile,
    ExampleProfile,
    Needs,
    from_json,
    hardware_with_vram,
    recommend,
    render_markdown,
    render_text,
    to_json,
)

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def recommendation():
    """Nothing of this machine or this day in it, so that the report is the same everywhere."""
    examples = ExampleProfile(
        rows=80,
        kind="qa",
        p50_tokens=60,
        p95_tokens=120,
        max_tokens=200,
        languages={"en": 0.7, "zh": 0.3},
        answers_in_documents=0.9,
        quotes=True,
        path="qa.jsonl",
    )
    data = DataProfile(
        files=14,
        size_bytes=400_000,
        formats={".docx": 3, ".md": 6, ".pdf": 5},
        tokens=28_000,
        languages={"en": 0.7, "zh": 0.3},
        unreadable=("old.pdf: encrypted PDF",),
        examples=examples,
        path="docs",
    )
    return recommend(hardware_with_vram(24), data, Needs(update_days=30.0))


def test_a_plan_survives_the_way_to_json_and_back(recommendation):
    assert from_json(to_json(recommendation)) == recommendation


def test_a_plan_starts_with_its_version_and_the_best_option(recommendation):
    content = json.loads(to_json(recommendation))
    assert content["schema_version"] == 1
    assert content["best"] == {"strategy": "rag", "method": "none", "model": "Qwen/Qwen2.5-7B-Instruct"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema_version 99"),
        ({"options": []}, "holds no option"),
        ({"confidence": "total"}, r"plan.confidence is 'total', not one of"),
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"needs": 3}, "plan.needs is 3, not an object"),
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(recommendation, change, message):
    content = {**json.loads(to_json(recommendation)), **change}
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content))


def test_no_json_is_refused_with_the_command_that_writes_a_plan():
    with pytest.raises(ValueError, match="advisor recommend --out plan.json"):
        from_json("not a plan")


@pytest.mark.parametrize(("name", "render"), [("report.txt", render_text), ("report.md", render_markdown)])
def test_reports_are_as_approved(recommendation, name, render):
    text = render(recommendation, width=100) if render is render_text else render(recommendation)
    assert text == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_no_line_is_wider_than_the_terminal_save_for_commands(recommendation, width):
    commands = {f"  {line}" for line in recommendation.commands}
    for line in render_text(recommendation, width=width).splitlines():
        assert len(line) <= width or line in commands


def test_commands_are_printed_whole_so_that_they_can_be_copied(recommendation):
    long_path = replace(
        recommendation, commands=("advisor index " + "very/" * 40 + "long --out build/index",)
    )
    assert long_path.commands[0] in render_text(long_path, width=60)


def test_text_from_files_is_shown_as_text_and_not_as_markup(recommendation):
    data = replace(recommendation.data, unreadable=("[bold red]odd[/].pdf: damaged",))
    assert "[bold red]odd[/].pdf" in render_text(replace(recommendation, data=data), width=120)
