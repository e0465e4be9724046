"""Operations, bytes and kernels of one row, worked out on paper."""

from dataclasses import replace

import pytest

from advisor.flops import active_linear, head_weights, passes, row_work, touched_linear, training_flops
from advisor.setups import ModelSpec, TrainSetup

# One layer: q, k, v, o of 8x8 and gate, up, down of 8x16: 4*64 + 3*128 = 640 weights; head 100*8 = 800.
TINY = ModelSpec(name="tiny", layers=2, hidden=8, intermediate=16, heads=2, kv_heads=2, vocab=100)
EXPERTS = replace(TINY, experts=4, experts_per_token=2, expert_intermediate=16)
FULL = TrainSetup(method="full", gradient_checkpointing=False)
LORA = TrainSetup(method="lora", lora_rank=1, lora_targets="q", gradient_checkpointing=False)


def _flops(model, setup, tokens=10):
    done = passes(model, setup)
    return training_flops(row_work(model, tokens, setup), done, learns_head=done.weights > 0)


def test_each_weight_takes_two_operations_a_token():
    row = row_work(TINY, 10, FULL)
    assert row.linear == 2 * (2 * 640) * 10
    assert row.head == 2 * 800 * 10


def test_a_causal_kernel_meets_half_of_the_keys():
    # 4 per unit of query width and key: 4 * 8 * 5.5 keys * 2 layers * 10 tokens
    assert row_work(TINY, 10, FULL).attention == 4 * 8 * 5.5 * 2 * 10
    eager = replace(FULL, attention="eager")
    assert row_work(TINY, 10, eager).attention == 4 * 8 * 10 * 2 * 10


def test_local_layers_meet_no_more_than_their_window():
    windowed = replace(TINY, window_tokens=2, local_layers=1)
    assert row_work(windowed, 10, FULL).attention == 4 * 8 * (5.5 + 2) * 10


def test_full_training_takes_six_operations_a_weight_and_a_frozen_base_four():
    attention = row_work(TINY, 10).attention * (1 + 2.5)
    assert _flops(TINY, FULL) == 6 * (1280 + 800) * 10 + attention
    adapters = 2 * (2 * (8 + 8)) * 10 * 3  # rank 1 on q of both layers: forward, and both gradients
    assert _flops(TINY, LORA) == 4 * (1280 + 800) * 10 + attention + adapters


def test_recomputing_adds_one_forward_pass_of_the_layers():
    again = _flops(TINY, replace(FULL, gradient_checkpointing=True)) - _flops(TINY, FULL)
    row = row_work(TINY, 10, FULL)
    assert again == row.linear + row.attention


def test_of_the_experts_only_the_chosen_ones_are_computed():
    shared = 2 * (4 * 64 + 4 * 8)  # attention, and the router that every token passes
    assert active_linear(EXPERTS) == shared + 2 * 2 * 384
    assert touched_linear(EXPERTS, 1) == active_linear(EXPERTS)
    assert touched_linear(EXPERTS, 1000) == shared + 2 * 4 * 384


@pytest.mark.parametrize(
    "method, times",
    [("dpo", 2 * (2 + 2 + 2)), ("reward", 2 * (2 + 2)), ("kto", 2 + 2 + 2 * 3), ("output_layer", 2)],
)
def test_preference_methods_multiply_the_passes(method, times):
    """Two answers a row, a reference that only goes ahead, a mismatched answer for KTO; features go ahead only."""
    setup = replace(LORA, method=method)
    linear = 2 * active_linear(TINY) * 10
    row = row_work(TINY, 10, setup)
    done = passes(TINY, setup)
    ahead = done.sequences * (done.forward + done.without_gradient + done.backward + done.weights)
    assert row.linear * ahead == linear / 2 * times


def test_an_encoder_multiplies_no_head():
    assert head_weights(replace(TINY, kind="encoder")) == 0
