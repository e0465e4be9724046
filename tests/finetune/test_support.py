"""Whether a method fits a model is told from config.json, with a reason, before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support_table import Trial, attempt, page
from tiny_families import build

from finetune.methods import METHODS
from finetune.objectives import OBJECTIVES
from finetune.support import why_not


@pytest.mark.parametrize(
    ("method", "objective", "config", "reason"),
    [
        ("lora", "sft", {"model_type": "llama"}, None),
        ("bitfit", "sft", {"model_type": "qwen2"}, None),
        ("bitfit", "sft", {"model_type": "qwen3"}, "has no biases"),
        ("bitfit", "sft", {"model_type": "llama", "attention_bias": True}, None),
        ("llama_adapter", "sft", {"model_type": "qwen2"}, "made for llama, mistral, gpt2, not for qwen2"),
        ("llama_adapter", "sft", {"model_type": "mistral"}, None),
        ("features", "pretrain", {"model_type": "llama"}, "predicts labels and writes no text"),
        ("lora", "sft", {"model_type": "bert"}, "a bert model does not write text"),
        ("lora", "sft", {"model_type": "x", "architectures": ["XForMaskedLM"]}, "does not write text"),
        ("oft", "sft", {"model_type": "gpt2"}, "no linear modules"),
        ("dora", "sft", {"model_type": "mixtral", "num_local_experts": 8}, "experts"),
        ("houlsby", "classify", {"model_type": "albert"}, "share one set of weights"),
        ("prefix", "classify", {"model_type": "bert"}, None),
        ("prefix", "classify", {"model_type": "distilbert"}, "takes no keys and values from outside"),
    ],
)
def test_the_reason_is_named(
    method: str, objective: str, config: dict[str, object], reason: str | None
) -> None:
    said = why_not(method, objective, config)
    assert (said is None) if reason is None else (said is not None and reason in said)


def test_asking_needs_no_torch() -> None:
    code = "from finetune.support import why_not; why_not('lora', 'sft', {'model_type': 'llama'})"
    check = "import sys; assert not {'torch', 'peft', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)


def test_every_method_has_a_learning_rate_for_every_objective_that_it_serves() -> None:
    from finetune.defaults import learning_rates

    for method in METHODS:
        for objective in OBJECTIVES:
            served = [
                why_not(method, objective, {"model_type": kind}) is None for kind in ("llama", "gpt2", "bert")
            ]
            if any(served):
                body, head = learning_rates(method, objective, 1.0)
                assert 0 < body < 1 and 0 < head < 1


@pytest.mark.parametrize(
    ("family", "method"), [("gemma2", "prefix"), ("phi3", "houlsby"), ("gpt2", "llama_adapter")]
)
def test_the_table_tries_what_it_says(family: str, method: str, tmp_path: Path) -> None:
    trial = attempt(method, "sft", family, build(tmp_path / family, family), tmp_path)
    assert trial.refused is None and trial.failed is None


def test_a_refusal_is_tried_too_and_a_disagreement_shows(tmp_path: Path) -> None:
    trial = attempt("oft", "sft", "gpt2", build(tmp_path / "gpt2", "gpt2"), tmp_path)
    assert trial.agrees and trial.failed is not None and "Conv1D" in trial.failed
    wrong = Trial(method="lora", objective="sft", family="llama", refused=None, failed="ValueError: no")
    assert not wrong.agrees and "FAILED" in page([wrong], ["llama"])
