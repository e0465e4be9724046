from dataclasses import replace

import pytest

from advisor import TrainSetup, estimate_memory, find_model
from advisor.shape import count_parameters
from advisor.states import trained_widths

QWEN_7B = find_model("Qwen2.5-7B")
FULL = TrainSetup(method="full", gpus=8)


def total(widths):
    return widths.weight + widths.gradient + widths.optimizer


def test_deepspeed_shares_what_its_documentation_says():
    # ZeRO-2: 4 bytes per parameter on each card and 16 shared; ZeRO-3: 18 shared
    assert total(trained_widths(replace(FULL, sharding="zero2"), 2.0)) == 4 + 16 / 8
    assert total(trained_widths(replace(FULL, sharding="zero3"), 2.0)) == pytest.approx(18 / 8)


def test_more_cards_share_more_and_ddp_shares_nothing():
    for sharding in ("zero2", "zero3", "fsdp"):
        two, eight = (
            estimate_memory(QWEN_7B, replace(FULL, sharding=sharding, gpus=cards)).allocated_gib
            for cards in (2, 8)
        )
        assert eight < two
    alone = estimate_memory(QWEN_7B, replace(FULL, gpus=1)).allocated_gib
    assert estimate_memory(QWEN_7B, replace(FULL, sharding="ddp")).allocated_gib > alone


def test_offloading_leaves_two_layers_and_what_the_batch_needs():
    memory = estimate_memory(QWEN_7B, replace(FULL, sharding="cpu_offload"))
    assert memory.parts["weights"] == memory.parts["optimizer"] == 0
    assert memory.parts["workspace"] * 2**30 >= 2 * 2 * count_parameters(QWEN_7B).linear / QWEN_7B.layers


def test_moments_follow_the_optimizer():
    widths = {
        name: trained_widths(TrainSetup(method="full", optimizer=name), 2.0).optimizer
        for name in ("adamw", "adamw_8bit", "paged", "adafactor", "sgd")
    }
    assert widths == {
        "adamw": 4,
        "adamw_8bit": pytest.approx(2.03, abs=0.01),
        "paged": 0,
        "adafactor": 0,
        "sgd": 0,
    }


def test_fp32_moments_of_16_bit_weights_bring_fp32_masters():
    setup = TrainSetup(method="full", optimizer_dtype="fp32")
    assert trained_widths(setup, 2.0).optimizer == 4 + 8


def test_accumulated_gradients_wait_beside_the_logits():
    one = TrainSetup(method="lora", lora_rank=256, seq_len=4096)
    eight = replace(one, accumulation=8)
    difference = estimate_memory(QWEN_7B, eight).allocated_gib - estimate_memory(QWEN_7B, one).allocated_gib
    assert difference == pytest.approx(estimate_memory(QWEN_7B, one).parts["adapters"])


def test_no_cards_are_refused():
    with pytest.raises(ValueError, match="gpus is 0; give 1 or more"):
        estimate_memory(QWEN_7B, TrainSetup(gpus=0))
