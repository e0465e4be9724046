"""`advisor cost`: the comparison as text and JSON, and mistakes in one line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from rich.cells import cell_len

_ASKED = (
    "--model Qwen2.5-7B-Instruct --gpu L40S --corpus-tokens 10000 --usd-per-m-input 0.5 --usd-per-m-output 1.5 "
    "--usd-per-m-training 3 --update-days 7"
)


@pytest.fixture
def cost(run_line: Callable[..., str]) -> Callable[..., str]:
    def run(line: str, status: int = 0) -> str:
        return run_line(f"cost {line}", status)

    return run


def test_each_option_has_a_row_with_its_price(cost: Callable[..., str]) -> None:
    said = cost(_ASKED)
    row = next(line for line in said.splitlines() if line.startswith("retrieval (RAG), API"))
    assert "$1.08" in row  # 1,720 tokens at 0.5 and 150 at 1.5 a million, a thousand times
    assert "is cheaper than" in said and "questions a day on" in said
    assert "documents change every day" in said


def test_json_names_the_options_that_meet(cost: Callable[..., str]) -> None:
    found = json.loads(cost(f"{_ASKED} --json"))
    assert {row["strategy"] for row in found["rows"]} >= {"rag", "finetune", "hybrid"}
    assert found["turnings"][0]["cheapest"] == "prompt_only, api"
    assert found["wishes"]["queries_per_day"] == 1000


def test_an_own_card_costs_its_power(cost: Callable[..., str]) -> None:
    said = cost("--model Qwen2.5-7B-Instruct --vram 24 --usd-per-kwh 0.3 --watts 350")
    assert "own machine" in said and "idle hours left out" in said


@pytest.mark.parametrize("columns", [40, 60, 100, 200])
def test_nothing_is_wider_than_the_terminal(
    cost: Callable[..., str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for language in ("en", "zh"):
        said = cost(f"{_ASKED} --lang {language}")
        assert max(cell_len(line) for line in said.splitlines()) <= columns


@pytest.mark.parametrize(
    "line, words",
    [
        ("--model nobody", "Unknown model 'nobody'"),
        ("--model Qwen2.5-7B-Instruct --usd-per-m-output 1", "Nothing to compare"),
        ("--model Qwen2.5-7B-Instruct --gpu Z9000", "Unknown card 'Z9000'"),
        ("--model Qwen2.5-72B-Instruct --gpu T4", "does not fit T4"),
        ("--model Qwen2.5-7B-Instruct --gpu L40S --queries-per-day 0", "--queries-per-day is 0"),
        ("--model Qwen2.5-7B-Instruct --gpu L40S --update-days -3", "update_days is -3"),
        ("--model Qwen2.5-7B-Instruct --gpu L40S --usd-per-m-input -1", "usd_per_m_input is -1"),
        ("--model Qwen2.5-7B-Instruct --gpu L40S --corpus-tokens -1", "--corpus-tokens is -1"),
        ("--gpu L40S", "--model"),
    ],
)
def test_a_mistake_is_one_line(cost: Callable[..., str], line: str, words: str) -> None:
    said = cost(line, status=2)
    assert words in said and said.count("\n") == 1
