"""`advisor adapters` lists, shows, merges, combines and hands over what was trained, and refuses in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from trained_pairs import Trained

from apps.cli import main

RunLine = Callable[..., str]
Pairs = dict[tuple[str, str], Trained]


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command that ends in status 2."""
    assert main(line.split()) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_adapters_are_listed_and_shown(run_line: RunLine, trained_pairs: Pairs) -> None:
    pair = trained_pairs["lora", "sft"]
    said = run_line(f"adapters list {pair.folder.parent}")
    assert len(said.splitlines()) == len(trained_pairs) and "lora · sft · on" in said
    listed = json.loads(run_line(f"adapters list {pair.folder} --json"))
    assert [row["path"] for row in listed] == [str(pair.folder)]
    shown = run_line(f"adapters show {pair.folder} --model {pair.base}")
    assert "trained" in shown and "peft" in shown
    assert json.loads(run_line(f"adapters show {pair.folder} --json"))["method"] == "lora"


def test_merging_says_how_far_the_outputs_are_apart(
    run_line: RunLine, trained_pairs: Pairs, tmp_path: Path
) -> None:
    pair = trained_pairs["dora", "sft"]
    found = json.loads(run_line(f"adapters merge {pair.folder} --out {tmp_path / 'm'} --json"))
    assert found["difference"] <= 1e-4 and Path(found["path"]).is_dir()
    assert "dora, merged" in run_line(f"adapters list {tmp_path}")


def test_combining_names_rank_and_rule(run_line: RunLine, trained_pairs: Pairs, tmp_path: Path) -> None:
    folders = f"{trained_pairs['lora', 'sft'].folder} {trained_pairs['lora', 'pretrain'].folder}"
    said = run_line(f"adapters combine {folders} --out {tmp_path / 'c'} --rule svd --weights 0.5 0.5")
    assert "rank 16" in said and "Not measured yet" in said
    assert json.loads(run_line(f"adapters show {tmp_path / 'c'} --json"))["config"]["rule"] == "svd"


PLAIN = """
import sys
from transformers import AutoModelForCausalLM
from peft import PeftModel
import torch
tokens = torch.tensor([[5, 9, 40, 41, 42, 80, 81, 7]])
whole = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
apart = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(sys.argv[2]), sys.argv[3]).eval()
with torch.inference_mode():
    torch.save([model(input_ids=tokens).logits for model in (whole, apart)], sys.argv[4])
assert not [name for name in sys.modules if name.startswith(("finetune", "apps"))]
"""


def test_what_is_exported_works_without_this_program(
    run_line: RunLine, trained_pairs: Pairs, tmp_path: Path
) -> None:
    pair = trained_pairs["lora", "sft"]
    run_line(f"adapters export {pair.folder} --out {tmp_path / 'whole'}")
    said = run_line(f"adapters export {pair.folder} --out {tmp_path / 'apart'} --form peft")
    assert "PeftModel.from_pretrained" in said
    where = [str(tmp_path / "whole"), str(pair.base), str(tmp_path / "apart"), str(tmp_path / "logits")]
    subprocess.run([sys.executable, "-c", PLAIN, *where], check=True, cwd=tmp_path, env=_bare())
    for found in torch.load(tmp_path / "logits", weights_only=True):
        assert torch.allclose(found, pair.logits, atol=1e-4)


def _bare() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_ollama_gets_a_modelfile_with_the_template_of_training(
    run_line: RunLine, trained_pairs: Pairs, tmp_path: Path
) -> None:
    said = run_line(
        f"adapters export {trained_pairs['lora', 'sft'].folder} --out {tmp_path / 'o'} --form ollama"
    )
    text = (tmp_path / "o" / "Modelfile").read_text("utf-8")
    assert text.startswith(
        'FROM .\nTEMPLATE """{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n<|im_start|>user\n{{ else }}'
    )
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert "ollama create o -f" in said and "convert_hf_to_gguf.py" in said


def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], trained_pairs: Pairs, tmp_path: Path
) -> None:
    lora, prompt = trained_pairs["lora", "sft"], trained_pairs["prompt", "sft"]
    out = f"--out {tmp_path / 'x'}"
    assert "What prompt adds is no sum" in refused(f"adapters merge {prompt.folder} {out}", capsys)
    assert "holds other weights" in refused(
        f"adapters show {lora.folder} --model {trained_pairs['llama_adapter', 'sft'].base}", capsys
    )
    assert "No adapter at" in refused(f"adapters merge {tmp_path / 'none'} {out}", capsys)
    assert "Unknown form 'gguf'" in refused(f"adapters export {lora.folder} {out} --form gguf", capsys)
    label = trained_pairs["lora", "classify"].folder
    assert "which Ollama cannot serve" in refused(f"adapters export {label} {out} --form ollama", capsys)
    assert "is no adapter of peft's" in refused(
        f"adapters export {trained_pairs['houlsby', 'sft'].folder} {out} --form peft", capsys
    )
    assert not (tmp_path / "x").exists()


def test_a_damaged_adapter_is_told_as_such(
    capsys: pytest.CaptureFixture[str], trained_pairs: Pairs, tmp_path: Path
) -> None:
    copied = shutil.copytree(trained_pairs["lora", "sft"].folder, tmp_path / "copy")
    line = f"adapters merge {copied} --out {tmp_path / 'm'}"
    weights = copied / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    assert "is half-written" in refused(line, capsys)
    weights.unlink()
    assert "holds a card but no weights" in refused(line, capsys)
    file = copied / "tokenizer.json"
    words = json.loads(file.read_text("utf-8"))
    vocabulary = words["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    file.write_text(json.dumps(words), "utf-8")
    assert "the same word has another number" in refused(line, capsys)
    (copied / "adapter_card.json").write_text("{", "utf-8")
    assert "is damaged" in refused(line, capsys)


def test_listing_loads_no_torch(trained_pairs: Pairs) -> None:
    code = (
        "import sys; from apps.cli import main; main(['adapters', 'list', sys.argv[1]]); "
        "assert 'torch' not in sys.modules and 'peft' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(trained_pairs["lora", "sft"].folder)], check=True)
