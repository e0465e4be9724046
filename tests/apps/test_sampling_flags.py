"""`advisor train` from answers to a reward model to a policy, and what it says of memory and mistakes on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.cli import main
from apps.predicted_memory import predicted_memory
from finetune import TrainConfig, read_card

QUICK = ["--max-steps", "2", "--general", "none", "--metric-rows", "2"]
SHORT = ["--answers-per-step", "8", "--answer-tokens", "5", "--max-length", "64"]


def written(file: Path, rows: list[dict[str, str]]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(file)


def test_answers_pairs_and_prompts_make_a_policy(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [f"What is item {n}?" for n in range(16)]
    answers = written(tmp_path / "sft.jsonl", [{"question": q, "answer": "It is blue."} for q in asked])
    pairs = [{"prompt": q, "chosen": "It is blue.", "rejected": "No idea."} for q in asked]
    better, prompts = (
        written(tmp_path / "pairs.jsonl", pairs),
        written(tmp_path / "prompts.jsonl", [{"prompt": q} for q in asked]),
    )
    base, sft, reward = ["--model", str(tiny_llama), *QUICK], str(tmp_path / "sft"), str(tmp_path / "reward")
    assert main(["train", answers, *base, "--out", sft, "--allow", "near_duplicates"]) == 0
    assert main(["train", better, *base, "--out", reward, "--objective", "reward", "--max-length", "64"]) == 0
    policy = ["train", prompts, "--adapter", sft, "--out", str(tmp_path / "ppo"), "--objective", "ppo"]
    capsys.readouterr()
    assert main([*policy, "--reward", reward, *QUICK, *SHORT]) == 0
    said = capsys.readouterr()
    assert "reward: " in said.out and "kl: " in said.out and f"rewarded by {reward}" in said.out
    assert "train: 2 of 2, reward " in said.err and ", KL " in said.err
    card = read_card(tmp_path / "ppo")
    assert (card.objective, card.started_from["path"], card.rows) == ("ppo", sft, 14)
    assert card.metrics_before["kl"] == pytest.approx(0, abs=1e-5)
    assert main([*policy, "--reward", "nowhere", "--overwrite", *QUICK, *SHORT]) == 2
    assert "No reward model at 'nowhere'; give" in capsys.readouterr().err


def test_a_dry_run_counts_rounds(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "p.jsonl", [{"prompt": f"Item {n} costs what?"} for n in range(40)])
    settings = ["--objective", "grpo", "--reward", "sampled_rewards:letters", "--dry-run"]
    assert main(["train", file, "--model", str(tiny_llama), "--out", str(tmp_path / "o"), *settings]) == 0
    said = capsys.readouterr().out
    assert "lora · grpo · 36 rows to learn · 4 held out" in said
    assert "27 steps (9 an epoch) of 4 prompts × 8 answers" in said  # 36 prompts, 32 answers to 4 of them


def test_memory_counts_the_answer_and_the_copy_of_a_whole_model(tiny_llama: Path) -> None:
    def foretold(objective: str, **changes: object) -> float:
        settings = {"model": str(tiny_llama), "out": "o", "objective": objective, "reward": "m:f", **changes}
        settings |= {} if objective == "ppo" else {"reward": None}
        found = predicted_memory(TrainConfig(**settings), 20)  # type: ignore[arg-type]
        assert found is not None
        return found.gib

    assert foretold("ppo", answer_tokens=200) > foretold("ppo", answer_tokens=20) > foretold("kto")
    assert foretold("ppo", method="full") > foretold("kto", method="full") + 4e-5  # 12,000 weights in fp32
