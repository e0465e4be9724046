"""Every method × objective that works: it learns, moves only what it should, and is the same when loaded again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from trained_pairs import Trained, load_again, logits, pairs

from finetune.causal import load_causal
from finetune.causal_job import attached
from finetune.methods import METHODS, load_method
from finetune.schema import TrainConfig
from finetune.starting import LABELLING, with_shape

Pairs = dict[tuple[str, str], Trained]
PAIRS = pairs()
# What a weight's name holds when the method may move it; the new head may always.
MOVES = {
    "full": ("",),
    "features": (),
    "output_layer": ("lm_head",),
    "last_layers": (".layers.1.", ".layer.1.", "model.norm", "lm_head"),
    "bitfit": (".bias",),
    "houlsby": (".bottleneck.",),
    "ia3": ("ia3_l",),
    "oft": ("oft_R",),
    "llama_adapter": ("adaption_",),
    **dict.fromkeys(("lora", "rslora", "dora", "adalora", "qlora"), ("lora_",)),
    **dict.fromkeys(("prompt", "p_tuning", "prefix", "p_tuning_v2"), ("prompt_encoder",)),
}


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_few_steps_lower_the_loss_and_move_only_what_the_method_trains(
    pair: tuple[str, str], trained_pairs: Pairs
) -> None:
    trained = trained_pairs[pair]
    assert trained.after < trained.before - 0.02
    may = MOVES[pair[0]] + (("classifier",) if pair[1] in LABELLING else ())
    assert {name for name in trained.moved if not any(part in name for part in may)} == set()
    for part in may:
        known = part in (".layers.1.", ".layer.1.", "model.norm", "lm_head", "")
        assert known or any(part in name for name in trained.moved), part


def test_full_moves_every_weight_but_the_key_biases_that_softmax_cancels(trained_pairs: Pairs) -> None:
    names = set(load_file(trained_pairs["full", "sft"].folder / "model.safetensors"))
    still = names - trained_pairs["full", "sft"].moved
    assert all("k_proj.bias" in name for name in still)


def test_loaded_in_a_fresh_process_each_gives_the_outputs_that_it_gave_after_training(
    trained_pairs: Pairs, tmp_path: Path
) -> None:
    listed = [(pair[1], str(item.base), str(item.folder)) for pair, item in trained_pairs.items()]
    here = load_again(listed)
    script = Path(__file__).parents[1] / "trained_pairs.py"
    command = [sys.executable, str(script), json.dumps(listed), str(tmp_path / "l")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    fresh = load_file(tmp_path / "l")
    for pair, item in trained_pairs.items():
        assert torch.equal(fresh[str(item.folder)], here[str(item.folder)]), pair
        # A run over 4 bits is answered with the base that the 4 bits were made of.
        if pair[0] != "qlora":
            assert torch.allclose(fresh[str(item.folder)], item.logits, atol=1e-4), pair


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("full", "features", "qlora")])
def test_a_run_that_goes_on_from_an_adapter_starts_with_the_answers_that_it_gave(
    method: str, trained_pairs: Pairs
) -> None:
    trained = trained_pairs[method, "sft"]
    config = with_shape(TrainConfig(model=str(trained.base), out="", adapter=str(trained.folder)))
    torch.manual_seed(1)  # what is drawn anew must not show
    model = attached(load_causal(trained.base, dtype=torch.float32), config, load_method(method))
    assert torch.allclose(logits(model), trained.logits, atol=1e-4)
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
