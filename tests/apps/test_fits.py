"""`advisor fits`: the table of models and methods on a card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from advisor import detect_hardware
from advisor.catalog import models


@pytest.fixture
def fits(run_line: Callable[..., str]) -> Callable[..., str]:
    def run(line: str, status: int = 0) -> str:
        return run_line(f"fits {line}", status)

    return run


def test_every_catalogued_model_has_a_row_smallest_first(fits: Callable[..., str]) -> None:
    rows = json.loads(fits("--vram 24 --json"))["rows"]
    assert {row["model"] for row in rows} == {model.name for model in models()}
    assert {row["method"] for row in rows} == {"full", "lora", "qlora"}
    sizes = [row["params_b"] for row in rows]
    assert sizes == sorted(sizes)


def test_a_cell_says_how_sure_how_long_and_how_many(fits: Callable[..., str]) -> None:
    said = fits("--vram 24 --model Qwen2.5-7B Qwen2.5-32B --method full qlora")
    assert "What can be trained on a card with 24 GiB" in said
    assert "Largest that fits surely, QLoRA: Qwen2.5-7B-Instruct" in said
    assert "Largest that fits surely, full: none" in said
    row = next(line for line in said.splitlines() if line.startswith("Qwen2.5-7B-Instruct"))
    assert "✗" in row and "✓" in row and "GiB" in row and " · " in row


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_nothing_is_wider_than_the_terminal(
    fits: Callable[..., str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for language in ("en", "zh"):
        said = fits(f"--vram 24 --method full lora qlora dora --lang {language}")
        assert max(cell_len(line) for line in said.splitlines()) <= columns


def test_longer_rows_are_asked_for_with_seq_len(fits: Callable[..., str]) -> None:
    short, long = (
        json.loads(fits(f"--vram 24 --model Qwen2.5-7B --method qlora --seq-len {tokens} --json"))["rows"][0]
        for tokens in (256, 2048)
    )
    assert (
        short["largest_batch"] > long["largest_batch"] and short["longest_seq_len"] == long["longest_seq_len"]
    )


def test_a_dtype_goes_to_the_methods_that_can_have_it(fits: Callable[..., str]) -> None:
    setups = json.loads(fits("--vram 24 --model minilm --weight-dtype bf16 --json"))["setups"]
    assert {setup["method"]: setup["weight_dtype"] for setup in setups} == {
        "full": "bf16",
        "lora": "bf16",
        "qlora": "nf4",
    }


def test_a_method_that_a_model_lacks_is_explained(fits: Callable[..., str]) -> None:
    assert "Unknown LoRA target 'nose'" in fits("--vram 24 --model minilm --method lora --lora-targets nose")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("--vram nan", "VRAM of nan GiB is no size of a card"),
        ("--vram -1", "VRAM of -1 GiB is no size of a card"),
        ("--gpu 'RTX 4095'", "Unknown card 'RTX 4095'; nearest in the catalogue: RTX 4090"),
        ("--vram 24 --model nosuch", "Unknown model 'nosuch'"),
        ("--vram 24 --method magic", "invalid choice: 'magic'"),
        ("--vram 24 --seq-len 0", "0 is too small"),
        ("--vram 24 --method lora --weight-dtype nf4", "None of ['lora'] is run with weights in nf4"),
    ],
)
def test_a_mistake_is_one_line(fits: Callable[..., str], line: str, part: str) -> None:
    said = fits(line, 2)
    assert part in said and said.count("\n") == 1


@pytest.mark.skipif(bool(detect_hardware().gpus), reason="this machine has a card")
def test_without_a_card_it_says_how_to_name_one(fits: Callable[..., str]) -> None:
    assert fits("", 2) == (
        "advisor: No card was found on this machine; give a size or a name: --vram 24 or --gpu 'RTX 4090'.\n"
    )


def test_a_folder_is_a_model_too(fits: Callable[..., str], tmp_path: Path) -> None:
    config = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 500}
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "model_type": "llama", "intermediate_size": 128})
    )
    rows = json.loads(fits(f"--vram 2 --model {tmp_path} --json"))["rows"]
    assert [row["fits"] for row in rows] == ["yes"] * 3
