"""`advisor recommend`: what its flags mean, which wins, what it writes, and what it says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor import QUESTIONS, from_json
from apps.cli import main


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, in an English locale."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recommend(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Types `advisor recommend ...` in this process; gives standard output, which is all there may be."""

    def run(*words: object) -> str:
        assert main(["recommend", *map(str, words)]) == 0
        found = capsys.readouterr()
        assert found.err == ""
        return found.out

    return run


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """The one line of a command that was refused with status 2."""

    def run(*words: object) -> str:
        try:
            status = main(["recommend", *map(str, words)])
        except SystemExit as stop:
            status = int(stop.code or 0)
        found = capsys.readouterr()
        assert (status, found.out, found.err.count("\n")) == (2, "", 1)
        return found.err

    return run


def needs_of(text: str) -> dict[str, object]:
    return {key: value for key, value in json.loads(text)["needs"].items() if value is not None}


def test_each_question_can_be_answered_by_a_flag(recommend) -> None:
    answers = (
        "--task",
        "qa",
        "--gap",
        "knowledge",
        "--update-days",
        7,
        "--needs-citations",
        "--labelled-examples",
        "1e3",
    )
    found = needs_of(recommend("--vram", 24, "--no-cost-sensitive", *answers, "--json"))
    assert found == {"task": "qa", "gap": "knowledge", "update_days": 7.0, "needs_citations": True,
                     "labelled_examples": 1000, "cost_sensitive": False}  # fmt: skip


def test_the_help_has_a_flag_for_each_question(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["recommend", "--help"])
    text = capsys.readouterr().out
    elsewhere = {"vram_gib": "--vram", "gpus": "--gpus", "model": "--model"}
    assert all(elsewhere.get(q.key, f"--{q.key.replace('_', '-')}") in text for q in QUESTIONS)


def test_a_flag_wins_over_the_file_and_the_file_over_an_earlier_plan(recommend) -> None:
    Path("needs.json").write_text('{"gap": "behaviour", "update_days": 30}')
    recommend("--vram", 48, "--gap", "knowledge", "--update-days", 1, "--task", "qa", "--out", "plan.json")
    text = recommend("--plan", "plan.json", "--needs", "needs.json", "--gap", "both", "--json")
    found = needs_of(text)
    assert (found["gap"], found["update_days"], found["task"]) == ("both", 30.0, "qa")
    assert from_json(text).hardware.vram_gib == 48  # type: ignore[union-attr]


def test_a_plan_is_shown_again_in_another_language(recommend) -> None:
    Path("docs").mkdir()
    Path("docs/terms.md").write_text("The refund window is thirty days. " * 50)
    first = recommend("--vram", 24, "--data", "docs", "--gap", "knowledge", "--out", "plan.json", "--json")
    assert recommend("--plan", "plan.json", "--json") == first
    assert recommend("--plan", "plan.json", "--lang", "zh").startswith("建议方案：")


def test_the_locale_chooses_the_language_and_the_flag_wins(
    recommend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert recommend("--vram", 24).startswith("建议方案：")
    assert recommend("--vram", 24, "--lang", "en").startswith("Recommended: ")
    assert "模型要完成什么任务" in recommend("--questions")


def test_a_named_card_and_their_number_are_planned_for(recommend) -> None:
    hardware = from_json(recommend("--gpu", "RTX 4090", "--gpus", 2, "--json")).hardware
    assert hardware is not None
    assert [gpu.name for gpu in hardware.gpus] == ["RTX 4090", "RTX 4090"] and "as you asked" in hardware.note


def test_the_size_of_a_card_may_stand_in_the_needs(recommend) -> None:
    Path("needs.json").write_text('{"vram_gib": 12}')
    hardware = from_json(recommend("--needs", "needs.json", "--json")).hardware
    assert hardware is not None and hardware.vram_gib == 12


def test_reports_are_written_beside_what_is_printed(recommend) -> None:
    text = recommend("--vram", 24, "--html", "out/report.html", "--markdown", "out/report.md", "--lang", "zh")
    assert text.startswith("建议方案：")
    assert Path("out/report.html").read_text("utf-8").startswith('<!doctype html>\n<html lang="zh-CN">')
    assert Path("out/report.md").read_text("utf-8").startswith("# 建议方案：")
    assert sorted(file.name for file in Path("out").iterdir()) == ["report.html", "report.md"]


def test_markdown_can_be_printed_instead(recommend) -> None:
    assert recommend("--vram", 24, "--markdown", "-").startswith("# Recommended: ")


def test_prices_turn_tokens_into_dollars(recommend) -> None:
    prices = ("--usd-per-m-input", 0.5, "--usd-per-m-output", 1.5)
    recommend("--task", "qa", "--vram", 24, "--queries-per-day", 500, *prices, "--html", "priced.html")
    assert "Cost against questions a day" in Path("priced.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("--vram 0", "VRAM of 0 GiB is no size of a card"),
        ("--vram -4", "VRAM of -4 GiB is no size of a card"),
        ("--vram 1e9", "is no size of a card"),
        ("--vram nan", "is no size of a card"),
        ("--vram 24 --gpus 0", "gpus is 0"),
        ("--gpu RTX9999", "Unknown card 'RTX9999'; nearest in the catalogue: "),
        ("--vram 24 --gpu A100", "not allowed with argument"),
        ("--model Qwen2.5-7", "Unknown model 'Qwen2.5-7'; nearest in the catalogue: "),
        ("--task chatting", "invalid choice: 'chatting'"),
        ("--update-days -1", "update_days is -1"),
        ("--labelled-examples 2.5", "labelled_examples is 2.5; give a whole number"),
        ("--queries-per-day inf", "queries_per_day is inf"),
        ("--usd-per-m-input -1", "usd_per_m_input is -1"),
        ("--needs bad.json", "Unknown need 'updat_days'; did you mean 'update_days'"),
        ("--needs torn.json", "torn.json is no JSON"),
        ("--needs nowhere.json", "nowhere.json do not exist"),
        ("--plan nowhere.json", "No plan at nowhere.json"),
        ("--no-prompting-tried --prompting-sufficient", "what was not tried cannot be judged"),
        ("--needs tried.json --no-prompting-tried", "what was not tried cannot be judged"),
        ("--json --markdown -", "--json and --markdown - both print"),
        ("--html .", "is a folder; name a file for the report"),
        ("--lang fr", "invalid choice: 'fr'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(mistake, line: str, part: str) -> None:
    Path("bad.json").write_text('{"updat_days": 3}')
    Path("torn.json").write_text("{")
    Path("tried.json").write_text('{"prompting_sufficient": true}')
    assert part in mistake(*line.split())
