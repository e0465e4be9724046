"""`advisor estimate`: the answer in words and as JSON, and a line for every mistake."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor import TrainSetup, estimate_memory, find_model
from apps.cli import main

ROOT = Path(__file__).parents[2]
QWEN = ("--model", "Qwen2.5-7B")
CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 500, "max_position_embeddings": 2048,
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def estimate(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> str:
        assert main(["estimate", *words]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(line: str) -> str:
        try:
            status = main(["estimate", *shlex.split(line)])
        except SystemExit as stop:
            status = int(str(stop.code))
        said = capsys.readouterr()
        assert (status, said.out, said.err.count("\n")) == (2, "", 1)
        return said.err

    return run


def test_the_parts_the_peak_and_the_card_are_told(estimate: Any) -> None:
    said = estimate(*QWEN, "--method", "qlora", "--seq-len", "2048", "--vram", "24")
    assert "Training Qwen2.5-7B-Instruct, QLoRA: 1 × 2,048 tokens" in said
    assert "✓ Fits surely on a card with 24 GiB" in said
    for word in (
        "weights",
        "activations",
        "logits",
        "allocated",
        "reserved",
        "device",
        "The peak is",
        "GiB = 2^30",
    ):
        assert word in said


def test_what_does_not_fit_gets_flags_that_make_it_fit(estimate: Any) -> None:
    run = (*QWEN, "--method", "qlora", "--seq-len", "2048", "--vram", "8")
    said = estimate(*run)
    assert "✗ Does not fit on a card with 8 GiB" in said
    flags = next(line for line in said.splitlines() if line.strip().startswith("--"))
    assert "✓ Fits surely" in estimate(*run, *flags.split())


def test_json_holds_the_estimate_as_it_is(estimate: Any) -> None:
    found = json.loads(estimate(*QWEN, "--seq-len", "512", "--vram", "8", "--json"))
    memory = estimate_memory(find_model("Qwen2.5-7B"), TrainSetup(seq_len=512))
    assert found["memory"]["device_gib"] == memory.device_gib and found["memory"]["parts"] == memory.parts
    assert (found["fits"], found["setup"]["seq_len"], found["card"]["vram_gib"]) == ("no", 512, 8)
    assert found["remedies"] and found["sufficient_cards"]


def test_a_config_file_and_its_folder_are_models_too(estimate: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), "utf-8")
    by_file = estimate("--config", str(tmp_path / "config.json"), "--vram", "8", "--json")
    by_folder = estimate("--model", str(tmp_path), "--vram", "8", "--json")
    assert json.loads(by_file)["memory"] == json.loads(by_folder)["memory"]


def test_serving_counts_the_cache_and_the_embedder(estimate: Any) -> None:
    said = estimate(*QWEN, "--serve", "--concurrent", "4", "--embedder", "minilm", "--gpu", "rtx4090")
    assert "Answering with Qwen2.5-7B-Instruct: 4 × 4,096 tokens" in said
    assert "KV cache" in said and "all-MiniLM-L6-v2" in said and "RTX 4090 (23.5 of 24 GiB)" in said


def test_rows_beyond_the_window_are_pointed_out(estimate: Any) -> None:
    assert "model's window of 32,768 tokens" in estimate(*QWEN, "--seq-len", "40000", "--vram", "80")


def test_a_length_that_nobody_asked_for_ends_at_the_window(estimate: Any) -> None:
    assert "1 × 512 tokens" in estimate("--model", "minilm", "--vram", "8")
    assert "1 × 512 tokens" in estimate("--model", "minilm", "--vram", "8", "--serve")


def test_what_a_printed_size_leaves_for_programs_is_told_where_it_matters(estimate: Any) -> None:
    high = json.loads(estimate(*QWEN, "--vram", "80", "--json"))["memory"]["high_gib"]
    assert "let programs use" in estimate(*QWEN, "--vram", f"{high + 0.01}")
    assert "let programs use" not in estimate(*QWEN, "--vram", f"{2 * high}")


def test_a_card_without_bf16_is_pointed_out(estimate: Any) -> None:
    assert "has no bf16" in estimate("--model", "Qwen2.5-0.5B", "--gpu", "T4")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("5090", "RTX 5090 (31.4 of 32 GiB)"), ("3060", "RTX 3060 ("), ("rtx4070ti", "RTX 4070 Ti (")],
)
def test_a_part_of_a_cards_name_is_enough_where_only_one_has_it(
    estimate: Any, asked: str, meant: str
) -> None:
    assert meant in estimate("--model", "minilm", "--gpu", asked)


def test_a_part_that_several_cards_have_names_them(mistake: Any) -> None:
    assert "Unknown card 'M1'; nearest in the catalogue: Apple M1 16GB, Apple M1 Pro" in mistake(
        "--model minilm --gpu M1"
    )


@pytest.mark.parametrize("gib", ["-3", "0", "nan", "inf", "1e9"])
def test_a_card_of_no_size_is_refused(mistake: Any, gib: str) -> None:
    assert "GiB is no size of a card; give GiB such as 8" in mistake(f"--model minilm --vram {gib}")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("--vram 24", "one of the arguments --model --config is required"),
        ("--model minilm --vram 24 --gpu T4", "--gpu: not allowed with argument --vram"),
        (
            "--model Qwen2.5-7X",
            "Unknown model 'Qwen2.5-7X'; nearest in the catalogue: Qwen/Qwen2.5-7B-Instruct",
        ),
        ("--model minilm --gpu 'RTX 4095'", "Unknown card 'RTX 4095'; nearest in the catalogue: RTX 4090"),
        ("--model minilm --gpu CPU", "is no card"),
        ("--model minilm --batch-size 0", "--batch-size: 0 is too small, give 1 or more"),
        ("--model minilm --optimizer adam", "invalid choice: 'adam' (choose from"),
        ("--model minilm --method qlora --weight-dtype fp32", "QLoRA trains on quantised weights, not fp32"),
        ("--model minilm --lora-targets q,nose", "Unknown LoRA target 'nose'"),
        ("--model minilm --concurrent 3", "--concurrent is about answering; add --serve"),
        ("--model minilm --serve --seq-len 64", "--seq-len is about training"),
        ("--model minilm --serve --simulate", "--simulate runs a training step"),
        ("--config nowhere.json", "'nowhere.json': no such file or directory"),
    ],
)
def test_a_mistake_is_one_line(mistake: Any, line: str, part: str) -> None:
    assert part in mistake(line)


@pytest.mark.parametrize("lacking", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
def test_a_field_that_a_config_lacks_is_named(mistake: Any, tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({key: value for key, value in CONFIG.items() if key != lacking}), "utf-8")
    assert f"lacks '{lacking}'" in mistake(f"--config {path}")


def test_a_config_that_is_no_json_is_named(mistake: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", "utf-8")
    assert "config.json is no JSON" in mistake(f"--config {tmp_path / 'config.json'}")


def test_a_terminal_of_plain_ascii_gets_the_same_answer() -> None:
    environment = {"PYTHONIOENCODING": "ascii", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "apps.cli", "estimate", *QWEN, "--vram", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=environment)
    assert b"x Does not fit" in done.stdout and b"#" in done.stdout and done.stdout.count(b"?") <= 3


@pytest.mark.parametrize("command", ["estimate', '--model', 'minilm', '--vram', '8", "fits', '--vram', '24"])
def test_the_answer_needs_nothing_heavy(command: str) -> None:
    heavy = ("torch", "transformers", "numpy", "pandas", "faiss", "streamlit")
    code = (
        f"from apps.cli import main; import sys; main(['{command}']); "
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_simulation_without_torch_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; from apps.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "estimate", "--model", "minilm", "--simulate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "needs torch" in done.stderr and "pip install 'llm-adaptation-advisor[train]'" in done.stderr


def test_a_simulation_stands_beside_the_estimate(estimate: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), "utf-8")
    said = estimate("--model", str(tmp_path), "--seq-len", "64", "--simulate")
    assert "real model code on fake tensors, all 2 layers" in said and "simulated" in said


def test_what_cannot_be_simulated_is_said(mistake: Any) -> None:
    pytest.importorskip("peft")
    assert "cannot be simulated" in mistake("--model minilm --method qlora --simulate")
