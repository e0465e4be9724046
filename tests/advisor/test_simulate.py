"""The simulated step: its bytes are those of first principles, and what it cannot run is said in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from advisor.live_storages import LiveStorages
from advisor.setups import TrainSetup
from advisor.simulate import alive_at_peak, simulate_memory
from advisor.simulated_card import CudaRules
from advisor.simulated_method import ADAPTERS, SELECTIVE
from advisor.simulated_model import normalised, with_layers
from advisor.simulated_step import run_step

HIDDEN, KV, FFN, HEADS, VOCAB = 256, 64, 704, 8, 1000
LLAMA: dict[str, Any] = {
    "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": FFN, "num_hidden_layers": 6,
    "num_attention_heads": HEADS, "num_key_value_heads": 2, "vocab_size": VOCAB, "max_position_embeddings": 8192,
}  # fmt: skip
SHALLOW = {**LLAMA, "num_hidden_layers": 2}
LAYER_WEIGHTS = 2 * HIDDEN**2 + 2 * HIDDEN * KV + 3 * HIDDEN * FFN + 2 * HIDDEN
WEIGHTS = 6 * LAYER_WEIGHTS + 2 * VOCAB * HIDDEN + HIDDEN
GIB = 2.0**30


def setup(**changed: Any) -> TrainSetup:
    return TrainSetup(**{"method": "full", "seq_len": 256, "gradient_checkpointing": False, **changed})


def saved_per_token(chosen: TrainSetup, moment: str = "loss") -> float:
    """Bytes that one more layer keeps alive at the loss for each token, weights and optimizer states left out."""
    alive = []
    for layers in (2, 3):
        tracker, parts = run_step(with_layers(normalised(LLAMA), layers), chosen)
        alive.append(tracker.peaks[moment] - sum(parts.values()))
    return (alive[1] - alive[0]) / (chosen.seq_len * chosen.batch_size)


def test_full_tuning_peaks_at_ten_bytes_a_weight_in_the_foreach_step() -> None:
    simulated = simulate_memory(LLAMA, setup(seq_len=16, optimizer="adamw_foreach"))
    steps = 4 * (6 * 9 + 3)  # AdamW counts its steps in one fp32 number for each tensor
    assert simulated.peak == "step"
    assert simulated.allocated_gib * GIB == pytest.approx(10 * WEIGHTS + steps, abs=2000)


def test_the_fused_step_needs_no_temporaries() -> None:
    fused = simulate_memory(LLAMA, setup(seq_len=16, optimizer="adamw"))
    assert fused.moments["step"] * GIB == pytest.approx(8 * WEIGHTS, rel=0.001)


def test_weights_and_states_are_counted_apart() -> None:
    parts = simulate_memory(LLAMA, setup(seq_len=16)).parts
    assert parts["weights"] * GIB == pytest.approx(2 * WEIGHTS, abs=500)
    assert parts["optimizer"] * GIB == pytest.approx(4 * WEIGHTS, abs=500)
    assert parts["adapters"] == 0


@pytest.mark.parametrize(
    "chosen",
    [setup(), setup(method="lora"), setup(gradient_checkpointing=True)],
    ids=["full", "lora", "checkpointing"],
)
def test_four_layers_foretell_six(chosen: TrainSetup) -> None:
    tracker, _ = run_step(normalised(LLAMA), chosen)
    foretold = simulate_memory(LLAMA, chosen)
    assert foretold.layers_run == (2, 4)
    assert foretold.allocated_gib * GIB == pytest.approx(max(tracker.peaks.values()), rel=0.001)


def test_full_tuning_keeps_what_the_modules_say() -> None:
    # Two norms: fp32 input 2x2h, normalised 2x1h, output 2x1h. Queries, keys, values, output. Gate, silu, up, product.
    units = 8 * HIDDEN + 2 * HIDDEN + 2 * KV + 4 * FFN
    in_fp32 = 2 + HEADS  # the norms' reciprocal roots, and the log-sum-exp of flash attention
    assert saved_per_token(setup()) == pytest.approx(2 * units + 4 * in_fp32, abs=0.1)


def test_checkpointing_keeps_one_hidden_state_a_layer() -> None:
    assert saved_per_token(setup(gradient_checkpointing=True)) == 2 * HIDDEN


def test_sixteen_bit_adapters_share_their_inputs_where_fp32_ones_copy_them() -> None:
    copies = saved_per_token(setup(method="lora")) - saved_per_token(
        setup(method="lora", adapter_dtype="bf16")
    )
    assert copies > 2 * 3 * HIDDEN  # q, k, v and gate, up read two tensors five times


@pytest.mark.parametrize(("attention", "grows"), [("sdpa", False), ("flash", False), ("eager", True)])
def test_only_eager_attention_keeps_scores(attention: Any, grows: bool) -> None:
    short, middle, long = (
        saved_per_token(setup(seq_len=tokens, attention=attention)) for tokens in (256, 512, 1024)
    )
    assert (middle > short * 1.1 and long > middle * 1.1) == grows
    assert grows or short == pytest.approx(long, abs=0.1)


def test_a_sliding_window_costs_a_mask_in_sdpa() -> None:
    config = {**LLAMA, "model_type": "mistral", "sliding_window": 128}
    windowed = simulate_memory(config, setup(method="lora", seq_len=1024)).allocated_gib
    assert (
        windowed
        > simulate_memory(
            {**config, "sliding_window": None}, setup(method="lora", seq_len=1024)
        ).allocated_gib
    )


def test_the_stock_loss_takes_twelve_bytes_a_logit() -> None:
    config = {**SHALLOW, "vocab_size": 64000}
    chosen = setup(method="lora", gradient_checkpointing=True, seq_len=512)
    alive = alive_at_peak(config, chosen, moment="backward:head")
    logits = sum(size * count for text, size, count in alive if "(512, 64000)" in text)
    assert logits == 12 * 512 * 64000
    assert (
        simulate_memory(config, chosen).allocated_gib
        > simulate_memory(
            config, setup(method="lora", gradient_checkpointing=True, seq_len=512, loss_kernel="chunked")
        ).allocated_gib
    )


def test_what_is_alive_adds_up_to_the_peak() -> None:
    tracker, _ = run_step(with_layers(normalised(LLAMA), 2), setup(method="lora"))
    alive = alive_at_peak(LLAMA, setup(method="lora"))
    assert sum(size * count for _, size, count in alive) == max(tracker.peaks.values())
    assert any("mlp.act_fn silu" in text for text, _, _ in alive)


@pytest.mark.parametrize("method", sorted({*SELECTIVE, *ADAPTERS} - {"bitfit"}))
def test_every_method_trains_what_it_says(method: Any) -> None:
    simulated = simulate_memory(SHALLOW, setup(method=method, lora_rank=2, seq_len=64))
    assert 0 < simulated.parts["optimizer"] * GIB <= 4.1 * (2 * LAYER_WEIGHTS + 2 * VOCAB * HIDDEN)
    assert (simulated.parts["adapters"] > 0) == (method in ADAPTERS)


def test_bitfit_needs_biases() -> None:
    with pytest.raises(ValueError, match="llama has no parameters that bitfit trains; choose lora"):
        simulate_memory(SHALLOW, setup(method="bitfit"))
    simulated = simulate_memory({**SHALLOW, "model_type": "qwen2"}, setup(method="bitfit", seq_len=64))
    assert simulated.parts["optimizer"] * GIB == pytest.approx(4 * 2 * (HIDDEN + 2 * KV), rel=0.02)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"method": "qlora"}, "'qlora' cannot be simulated.*choose one of .*'lora'"),
        (
            {"method": "lora", "weight_dtype": "nf4"},
            "nf4 weights cannot be simulated.*choose one of .*'bf16'",
        ),
        ({"loss_kernel": "fused"}, "choose stock or chunked"),
        ({"optimizer": "adamw_8bit"}, "choose one of .*'adamw'"),
        ({"gpus": 2, "sharding": "zero3"}, "One card"),
        ({"method": "prefix", "gradient_checkpointing": True}, "simulate it without"),
        ({"lora_targets": "nothing", "method": "lora"}, "nothing"),
    ],
)
def test_what_cannot_be_simulated_says_what_can(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        simulate_memory(LLAMA, setup(**changed))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**LLAMA, "model_type": "chatglm"}, "no model_type 'chatglm'"),
        ({key: value for key, value in LLAMA.items() if key != "model_type"}, "lacks 'model_type'"),
        ({**LLAMA, "model_type": "gemma2"}, "choose eager or flash"),
    ],
)
def test_a_family_that_cannot_be_built_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        simulate_memory(config, setup())


def test_a_longer_pattern_of_layers_is_run_whole() -> None:
    kinds = (["sliding_attention"] * 2 + ["full_attention"]) * 3
    config = {
        **LLAMA,
        "model_type": "gemma3_text",
        "head_dim": 32,
        "num_hidden_layers": 9,
        "layer_types": kinds,
    }
    assert simulate_memory({**config, "sliding_window": 64}, setup(method="lora")).layers_run == (3, 6)


def test_a_folder_and_its_file_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**LLAMA, "num_hidden_layers": 2}), "utf-8")
    assert simulate_memory(tmp_path, setup()) == simulate_memory(tmp_path / "config.json", setup())


def test_a_view_shares_and_a_dead_tensor_leaves() -> None:
    with FakeTensorMode(), LiveStorages() as tracker:
        first = torch.empty(10)
        view = first[2:]
        assert tracker.live_bytes == 40
        del first
        assert tracker.live_bytes == 40
        del view
    assert tracker.live_bytes == 0
    assert max(tracker.peaks.values()) == 40


def test_functions_run_as_autocast_runs_them_on_a_card() -> None:
    with FakeTensorMode(), CudaRules(), torch.autocast("cpu", dtype=torch.bfloat16):
        given = torch.empty(4, 8, dtype=torch.bfloat16)
        assert F.layer_norm(given, (8,)).dtype == torch.float32
        assert F.softmax(given, dim=-1).dtype == torch.float32
        assert F.linear(torch.empty(4, 8), torch.empty(8, 8)).dtype == torch.bfloat16


def test_without_torch_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; import advisor.simulate"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("Simulation needs torch: pip install 'llm-adaptation-advisor[train]'")
