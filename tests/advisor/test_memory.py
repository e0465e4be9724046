from dataclasses import replace

import pytest
from memory_rows import MEASURED, read_rows, summary

from advisor import ServeSetup, TrainSetup, estimate_memory, find_model
from advisor.shape import count_parameters, lora_parameters, target_roles

QWEN_7B = find_model("Qwen2.5-7B")


def test_qlora_fits_where_lora_does_not():
    lora = estimate_memory(QWEN_7B, TrainSetup(method="lora", seq_len=1024))
    qlora = estimate_memory(QWEN_7B, TrainSetup(method="qlora", seq_len=1024))
    assert qlora.high_gib < 16 < lora.allocated_gib


def test_full_tuning_in_mixed_precision_needs_sixteen_bytes_a_weight():
    full = estimate_memory(QWEN_7B, TrainSetup(method="full", weight_dtype="fp32", optimizer="adamw_fused"))
    states = sum(full.parts[name] for name in ("weights", "gradients", "optimizer"))
    assert states * 2**30 == 16 * count_parameters(QWEN_7B).total


def test_the_foreach_step_of_adam_is_the_peak_of_full_tuning_and_the_fused_one_is_not():
    foreach = TrainSetup(method="full", optimizer="adamw_foreach", seq_len=256)
    assert estimate_memory(QWEN_7B, foreach).peak == "step"
    assert estimate_memory(QWEN_7B, replace(foreach, optimizer="adamw")).peak == "backward"


def test_parts_add_up_and_the_three_readings_are_ordered():
    for method in ("full", "lora", "qlora"):
        memory = estimate_memory(QWEN_7B, TrainSetup(method=method))
        tensors = sum(gib for name, gib in memory.parts.items() if name != "context")
        assert tensors == pytest.approx(memory.allocated_gib)
        assert (
            memory.low_gib < memory.allocated_gib < memory.reserved_gib < memory.device_gib < memory.high_gib
        )


def test_embeddings_that_are_not_quantised_turn_into_fp32_unless_told_otherwise():
    upcast = estimate_memory(QWEN_7B, TrainSetup(method="qlora"))
    kept = estimate_memory(QWEN_7B, TrainSetup(method="qlora", kbit_upcast=False))
    counts = count_parameters(QWEN_7B)
    assert (upcast.parts["weights"] - kept.parts["weights"]) * 2**30 == 2 * (counts.total - counts.linear)


def test_tied_embeddings_count_once():
    tied = replace(find_model("Qwen2.5-0.5B"), params_b=None)  # or the stated size would decide
    untied = replace(tied, tied_embeddings=False)
    assert count_parameters(untied).total - count_parameters(tied).total == tied.vocab * tied.hidden


def test_lora_parameters_are_rank_times_the_widths_of_the_targets():
    # Llama-3.2-3B, rank 32 on q and v: 9,175,040 trainable weights (peft's MetaMathQA table)
    model = find_model("Llama-3.2-3B")
    assert lora_parameters(model, 32, target_roles(model, "q_proj,v_proj")) == 9_175_040


def test_an_unknown_target_names_the_known_ones():
    with pytest.raises(ValueError, match="Unknown LoRA target 'nose'"):
        estimate_memory(QWEN_7B, TrainSetup(lora_targets="q,nose"))


def test_longer_rows_larger_batches_and_no_checkpointing_need_more():
    base = TrainSetup(method="lora", seq_len=1024)
    small = estimate_memory(QWEN_7B, base).allocated_gib
    for change in (
        {"seq_len": 2048},
        {"batch_size": 2},
        {"gradient_checkpointing": False},
        {"lora_rank": 64},
    ):
        assert estimate_memory(QWEN_7B, replace(base, **change)).allocated_gib > small


def test_eager_attention_grows_with_the_square_of_the_length():
    def extra(seq_len):
        eager = TrainSetup(method="lora", seq_len=seq_len, attention="eager", gradient_checkpointing=False)
        plain = replace(eager, attention="sdpa")
        return estimate_memory(QWEN_7B, eager).allocated_gib - estimate_memory(QWEN_7B, plain).allocated_gib

    assert extra(4096) == pytest.approx(4 * extra(2048), rel=0.01)


def test_serving_keeps_a_cache_for_each_token_of_each_request():
    one = estimate_memory(QWEN_7B, ServeSetup(context_tokens=4096))
    ten = estimate_memory(QWEN_7B, ServeSetup(context_tokens=4096, concurrent=10))
    assert one.parts["kv_cache"] * 2**30 == 2 * 28 * 512 * 2 * 4096
    assert ten.parts["kv_cache"] == pytest.approx(10 * one.parts["kv_cache"])
    assert ten.peak == "serving"


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="batch_size is 0; give 1 or more"):
        estimate_memory(QWEN_7B, TrainSetup(batch_size=0))
    with pytest.raises(ValueError, match="full cannot train nf4 weights"):
        estimate_memory(QWEN_7B, TrainSetup(method="full", weight_dtype="nf4"))


def test_low_and_high_stand_around_every_reading():
    memory_of = estimate_memory(QWEN_7B, TrainSetup(method="lora", seq_len=4096))
    assert memory_of.low_gib < memory_of.allocated_gib < memory_of.device_gib < memory_of.high_gib


@pytest.mark.skipif(not MEASURED.is_file(), reason=f"no {MEASURED.name} beside the repository")
def test_estimates_of_training_stand_near_what_others_measured():
    found = summary(read_rows("training"))
    assert found["rows"] == 119
    assert found["median"] <= 0.05 and found["mean"] < 0.09 and found["p90"] < 0.2
    assert found["covered"] >= 0.9
    assert found["said to fit and did not"] == 0


@pytest.mark.skipif(not MEASURED.is_file(), reason=f"no {MEASURED.name} beside the repository")
def test_estimates_of_inference_stand_near_what_others_measured():
    found = summary(read_rows("inference"))
    assert found["rows"] == 18 and found["median"] < 0.08 and found["covered"] >= 0.9
