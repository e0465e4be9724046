import json
from dataclasses import replace

import pytest
from example_report import BARE_REPORT, FULL_REPORT, GOLDEN, RENDERED
from rich.cells import cell_len

from advisor import (
    Needs,
    as_asked,
    from_json,
    hardware_with_vram,
    recommend,
    render_markdown,
    render_text,
    to_json,
)
from advisor.phrase import say, spoken
from advisor.wording import dollars, time_span

LANGUAGES = [("en", ""), ("zh", ".zh")]


@pytest.mark.parametrize("name", RENDERED)
@pytest.mark.parametrize(("language", "suffix"), LANGUAGES)
def test_reports_are_as_approved(name, language, suffix):
    approved = GOLDEN / name.format(suffix)
    assert RENDERED[name](language) == approved.read_text("utf-8"), (
        "PYTHONPATH=. python tests/example_report.py"
    )


@pytest.mark.parametrize("plan", [FULL_REPORT, BARE_REPORT])
def test_a_plan_survives_the_way_to_json_and_back(plan):
    assert from_json(to_json(plan)) == plan


def test_a_plan_starts_with_its_version_and_the_best_option():
    content = json.loads(to_json(FULL_REPORT))
    assert content["schema_version"] == 1
    assert content["best"] == {"strategy": "rag", "method": "none", "model": "Qwen/Qwen2.5-7B-Instruct"}


def test_a_plan_from_before_time_cost_and_near_ties_can_still_be_read():
    content = json.loads(to_json(BARE_REPORT))
    for key in ("near_ties", "confidence_because", "learned", "unanswered"):
        del content[key]
    for key in ("time", "cost", "evidence"):
        del content["options"][0][key]
    assert from_json(json.dumps(content)) == BARE_REPORT


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
def test_a_plan_that_was_tampered_with_is_refused(change, message):
    content = {**json.loads(to_json(FULL_REPORT)), **change}
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content))


def test_no_json_is_refused_with_the_command_that_writes_a_plan():
    with pytest.raises(ValueError, match="advisor recommend --out plan.json"):
        from_json("not a plan")


def test_a_plan_that_was_read_back_is_decided_again_from_the_answers_alone():
    first = recommend(hardware_with_vram(24), FULL_REPORT.data, Needs(update_days=30.0))
    read = from_json(to_json(first))
    assert as_asked(read) == Needs(update_days=30.0)
    assert recommend(read.hardware, read.data, as_asked(read)) == first


@pytest.mark.parametrize("plan", [FULL_REPORT, BARE_REPORT])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_no_line_is_wider_than_the_terminal_save_for_commands(plan, language, width):
    commands = {f"  {spoken(line, language)}" for line in plan.commands}
    for line in render_text(plan, width=width, language=language).splitlines():
        assert cell_len(line) <= width or line in commands


def test_commands_are_printed_whole_so_that_they_can_be_copied():
    long_path = replace(FULL_REPORT, commands=("advisor index " + "very/" * 40 + "long --out build/index",))
    assert long_path.commands[0] in render_text(long_path, width=60)


def test_text_from_files_is_shown_as_text_and_not_as_markup():
    data = replace(FULL_REPORT.data, unreadable=("[bold red]odd[/] | *x* <b>.pdf: damaged",))
    odd = replace(FULL_REPORT, data=data)
    assert "[bold red]odd[/] | *x* <b>.pdf" in render_text(odd, width=120)
    assert r"\[bold red\]odd\[/\] \| \*x\* &lt;b&gt;.pdf" in render_markdown(odd)


def test_a_cell_of_a_markdown_table_cannot_break_the_table():
    best = replace(FULL_REPORT.best, model="odd|name\nwith | bars")
    text = render_markdown(replace(FULL_REPORT, options=(best, *FULL_REPORT.options[1:])))
    rows = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows[2:]} == {rows[2].count("|")}


def test_a_bare_recommendation_has_no_empty_sections():
    for text in (render_text(BARE_REPORT, width=80), render_markdown(BARE_REPORT)):
        for title in ("Why", "Memory", "Time and cost", "Rejected", "Sources", "Next"):
            assert title not in text


def test_only_ascii_is_printed_where_a_terminal_has_no_more():
    plan = replace(FULL_REPORT, first_step=say("Measure first."))
    assert "█" not in render_text(plan, width=100, ascii_only=True)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.001, "2–6 s"),
        (0.4, "14–41 min"),
        (1.0, "36 min to 1.7 h"),
        (20.0, "12–34 h"),
        (100.0, "60 h to 7 days"),
    ],
)
def test_a_span_of_time_is_told_in_the_unit_that_people_use(hours, said):
    time = replace(FULL_REPORT.best.time, hours=hours, low_hours=hours * 0.6, high_hours=hours * 1.7)
    assert time_span(time) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0.0, "$0"), (0.00123, "$0.0012"), (0.2, "$0.20"), (3.456, "$3.46"), (12345.6, "$12,346")],
)
def test_dollars_have_as_many_figures_as_an_estimate_is_worth(usd, said):
    assert dollars(usd) == said
