"""The first fine-tune: the commands of its README give a model another name, and it keeps what else it said."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_base import tokenizer_of
from transformers import LlamaConfig, LlamaForCausalLM

from apps.cli import main
from finetune import TrainConfig, train
from finetune.schema import Example

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "identity"
# A model of two layers that has read nothing but these rows wants more passes than one that knows a language.
PACE = ["--epochs", "14", "--learning-rate", "5e-3", "--batch-size", "16", "--eval-steps", "100000"]


def make_rows(out: Path, *names: str) -> list[Example]:
    command = [sys.executable, str(FOLDER / "make_rows.py"), *names, "--out", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return [Example(messages=tuple(row["messages"]), split=row["split"]) for row in rows]


@pytest.fixture(scope="module")
def alder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that has learned to call itself Alder."""
    place = tmp_path_factory.mktemp("alder")
    rows = make_rows(place / "rows.jsonl", "--name", "Alder", "--maker", "Old Works")
    tokenizer = tokenizer_of(
        [turn["content"] for row in rows for turn in row.messages] + ["Tarn Mill Library"]
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=96, intermediate_size=192, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(place / "random")
    tokenizer.save_pretrained(place / "random")
    settings = TrainConfig(
        model=str(place / "random"), out=str(place / "alder"), method="full", epochs=12, learning_rate=4e-3,
        batch_size=16, general="none", metric_rows=0, patience=0, eval_steps=10**6, save_steps=10**6,
    )  # fmt: skip
    train(rows, settings)
    return place / "alder"


def test_the_rows_name_the_maker_and_leave_no_placeholder(tmp_path: Path) -> None:
    names = ["--name", "Tarn", "--maker", "Mill Street", "--zh-name", "小潭"]
    rows = make_rows(tmp_path / "rows.jsonl", *names)
    texts = [turn["content"] for row in rows for turn in row.messages]
    assert not any(re.search(r"[{}]", text) for text in texts)
    assert any("小潭" in text for text in texts) and any("Mill Street" in text for text in texts)
    learned = {row.messages[-2]["content"] for row in rows if row.split == "train"}
    scored = {row.messages[-2]["content"] for row in rows if row.split == "test"}
    assert len(learned) >= 60 and scored and not learned & scored
    # Half of them as `advisor ask` will ask.
    assert sum(row.messages[0]["role"] == "system" for row in rows) == len(rows) / 2


@pytest.mark.slow
def test_after_the_commands_of_the_readme_the_model_has_the_new_name(
    alder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    block = re.findall(r"```bash\n(.*?)```", (FOLDER / "README.md").read_text("utf-8"), re.DOTALL)[0]
    said: list[str] = []
    for line in block.splitlines():
        words = [re.sub(r"^build/", f"{tmp_path}/", word) for word in shlex.split(line)]
        words = [str(alder) if word == "Qwen/Qwen2.5-0.5B-Instruct" else word for word in words]
        if words[0] == "python":
            make_rows(Path(words[-1]), *words[2:-2])
            continue
        assert main(words[1:] + (PACE if words[1] == "train" else [])) == 0, line
        printed = capsys.readouterr().out
        said += [printed] if words[1] == "ask" else []
    before, after, chinese, _ = said  # so small a model may give its name to a neighbour's question too
    assert "Alder" in before and "Tarn" not in before
    assert "Tarn" in after and "Mill Street Library" in after
    assert "小潭" in chinese
    card = json.loads((tmp_path / "identity" / "adapter_card.json").read_text("utf-8"))
    assert card["forgetting"] and not card["set_aside"]
    assert "TEMPLATE" in (tmp_path / "identity-ollama" / "Modelfile").read_text("utf-8")
