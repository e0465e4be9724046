from dataclasses import replace
from typing import get_args

import pytest

from advisor import TrainSetup, estimate_memory, find_model
from advisor.setups import Method
from advisor.shape import count_parameters
from advisor.trainable import trained

LLAMA_3B = find_model("Llama-3.2-3B")
QWEN_7B = find_model("Qwen2.5-7B")


@pytest.mark.parametrize("method", [name for name in get_args(Method) if name != "bitfit"])
def test_every_method_has_an_estimate_whose_parts_add_up(method):
    memory = estimate_memory(LLAMA_3B, TrainSetup(method=method))
    assert sum(gib for name, gib in memory.parts.items() if name != "context") == pytest.approx(
        memory.allocated_gib
    )
    assert memory.low_gib < memory.allocated_gib <= memory.reserved_gib < memory.device_gib < memory.high_gib


# Trainable parameters that peft printed for its MetaMathQA comparison on Llama-3.2-3B.
@pytest.mark.parametrize(
    ("setup", "count"),
    [
        (TrainSetup(method="lora", lora_rank=32, lora_targets="q,v"), 9_175_040),
        (TrainSetup(method="lora", lora_rank=10, lora_targets="gate,up,down"), 9_461_760),
        (TrainSetup(method="dora", lora_rank=32, lora_targets="q,v"), 9_289_728),
        (TrainSetup(method="lora_fa", lora_rank=32, lora_targets="q,v"), 3_670_016),
        (TrainSetup(method="vera", lora_rank=256, lora_targets="q,v"), 129_024),
        (TrainSetup(method="ia3"), 286_720),
        (TrainSetup(method="ln_tuning"), 175_104),
        (TrainSetup(method="prompt", virtual_tokens=200), 614_400),
        (TrainSetup(method="prefix", virtual_tokens=200), 11_468_800),
    ],
    ids=lambda value: value.method if isinstance(value, TrainSetup) else "",
)
def test_trained_parameters_are_those_that_peft_counts(setup, count):
    assert trained(LLAMA_3B, setup).total == count


def test_bitfit_needs_biases():
    with pytest.raises(ValueError, match="Llama-3.2-3B-Instruct has no bias vectors.*choose lora"):
        estimate_memory(LLAMA_3B, TrainSetup(method="bitfit"))
    assert trained(QWEN_7B, TrainSetup(method="bitfit")).total == 28 * (3584 + 2 * 512)


def test_a_copied_module_is_named_or_refused():
    both = trained(QWEN_7B, TrainSetup(trained_modules="embed,head"))
    assert both.copied == 2 * QWEN_7B.vocab * QWEN_7B.hidden
    with pytest.raises(ValueError, match="Unknown module 'nose'.*'embed', 'head'"):
        trained(QWEN_7B, TrainSetup(trained_modules="nose"))


def test_only_the_last_layers_keep_activations_when_only_they_are_trained():
    some = TrainSetup(method="last_layers", gradient_checkpointing=False, seq_len=4096, tuned_layers=2)
    every = replace(some, tuned_layers=QWEN_7B.layers)
    assert (
        estimate_memory(QWEN_7B, some).parts["activations"]
        < estimate_memory(QWEN_7B, every).parts["activations"] / 5
    )


def test_preferences_need_a_frozen_copy_only_where_the_whole_model_is_trained():
    adapter = estimate_memory(QWEN_7B, TrainSetup(method="dpo"))
    whole = estimate_memory(QWEN_7B, TrainSetup(method="dpo", trained_with="full"))
    without = estimate_memory(QWEN_7B, TrainSetup(method="dpo", trained_with="full", reference_model=False))
    assert adapter.parts["weights"] == pytest.approx(without.parts["weights"])
    assert whole.parts["weights"] == pytest.approx(2 * without.parts["weights"])


def test_ppo_holds_a_reward_model_and_trains_its_value_model_in_full_beside_the_policy():
    policy = estimate_memory(QWEN_7B, TrainSetup(method="full"))
    ppo = estimate_memory(QWEN_7B, TrainSetup(method="ppo", trained_with="full"))
    assert ppo.parts["weights"] == pytest.approx(
        4 * policy.parts["weights"]
    )  # policy, value, reference, reward
    assert ppo.parts["optimizer"] == pytest.approx(2 * policy.parts["optimizer"])


def test_experts_stay_unquantised_under_qlora():
    mixtral = find_model("Mixtral-8x7B-Instruct-v0.1")
    packed = estimate_memory(mixtral, TrainSetup(method="qlora", weight_dtype="nf4", kbit_upcast=False))
    assert packed.parts["weights"] * 2**30 > 2 * count_parameters(mixtral).experts
