"""Durations of training and embedding: paper figures on a card of round numbers, and what may never happen."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.catalog import cards, find_card, find_model, read_facts
from advisor.duration import embedding_time, in_all, training_time
from advisor.flops import moved_bytes, passes, row_work, training_flops
from advisor.rates import matmul_limit, rate, stack
from advisor.setups import Card, ModelSpec, TrainSetup

SEVEN_B = find_model("Qwen2.5-7B-Instruct")
MINILM = find_model("minilm")
ROUND = Card(name="Round", vram_gib=80, bandwidth_gb_s=1000, tflops_16bit=100)
LORA = TrainSetup(method="lora", seq_len=1024)


def test_a_long_row_lasts_as_long_as_its_operations_and_bytes():
    setup = TrainSetup(method="lora", seq_len=2048, gradient_checkpointing=False)
    row, done = row_work(SEVEN_B, 2048, setup), passes(SEVEN_B, setup)
    achieved = 100e12 * rate("matmul other") * rate("matmul in training")
    bandwidth = 1000e9 * rate("bandwidth in training")
    expected = training_flops(row, done, learns_head=False) / achieved + moved_bytes(row, done) / bandwidth
    assert training_time(SEVEN_B, setup, rows=10, card=ROUND).hours * 3600 == pytest.approx(10 * expected)


def test_short_rows_wait_for_the_processor_to_start_kernels():
    fast_card = replace(ROUND, tflops_16bit=100_000, bandwidth_gb_s=1_000_000)
    setup = replace(LORA, method="bitfit", seq_len=16, gradient_checkpointing=False)
    kernels = row_work(SEVEN_B, 16, setup).kernels * 3  # ahead once, back as two
    expected = kernels * rate("launch")
    assert training_time(SEVEN_B, setup, rows=1, card=fast_card).hours * 3600 == pytest.approx(expected)


def test_a_processor_is_bound_by_operations():
    found = training_time(MINILM, LORA, rows=5, cpu_cores=4)
    assert found.hours * 3600 == pytest.approx(found.flops / (4 * rate("core in training")))
    assert found.card == "CPU with 4 cores"


def test_features_are_computed_once_whatever_the_epochs():
    features = replace(LORA, method="features")
    once = training_time(MINILM, features, rows=100, cpu_cores=2)
    assert training_time(MINILM, features, rows=100, epochs=5, cpu_cores=2).hours == once.hours


def test_the_interval_holds_the_estimate_for_every_card():
    for card in cards():
        found = training_time(SEVEN_B, LORA, rows=100, card=card)
        assert found.low_hours < found.hours < found.high_hours, card.name


def test_qlora_is_slower_than_lora_on_the_same_card():
    a100 = find_card("A100-80GB")
    lora = training_time(SEVEN_B, LORA, rows=100, card=a100)
    qlora = training_time(SEVEN_B, replace(LORA, method="qlora", weight_dtype="nf4"), rows=100, card=a100)
    assert 1.1 < qlora.hours / lora.hours < 2.5


def test_more_cards_are_faster_but_not_more_than_in_proportion():
    a100 = find_card("A100-80GB")
    one = training_time(SEVEN_B, LORA, rows=160, card=a100).hours
    four = training_time(SEVEN_B, replace(LORA, gpus=4, sharding="ddp"), rows=160, card=a100).hours
    assert one / 4 <= four * (1 + 1e-9) < one


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 5000),
    more=st.integers(1, 5000),
    seq_len=st.integers(16, 4096),
    method=st.sampled_from(["full", "lora", "qlora", "dora", "dpo", "ppo", "last_layers", "prompt"]),
)
def test_more_rows_epochs_or_tokens_never_take_less(rows, more, seq_len, method):
    setup = TrainSetup(method=method, seq_len=seq_len, weight_dtype="nf4" if method == "qlora" else "bf16")
    base = training_time(SEVEN_B, setup, rows=rows, card=ROUND)
    assert training_time(SEVEN_B, setup, rows=rows + more, card=ROUND).hours >= base.hours
    assert training_time(SEVEN_B, setup, rows=rows, epochs=2, card=ROUND).hours >= base.hours
    longer = replace(setup, seq_len=seq_len + more)
    assert training_time(SEVEN_B, longer, rows=rows, card=ROUND).hours >= base.hours


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    rate_up=st.floats(1, 10),
    bandwidth_up=st.floats(1, 10),
    method=st.sampled_from(["full", "lora", "qlora", "ppo"]),
)
def test_a_faster_card_is_never_slower(rate_up, bandwidth_up, method):
    setup = TrainSetup(method=method, weight_dtype="nf4" if method == "qlora" else "bf16")
    better = replace(
        ROUND, tflops_16bit=100 * rate_up, bandwidth_gb_s=1000 * bandwidth_up, name="Round but faster"
    )
    assert (
        training_time(SEVEN_B, setup, rows=10, card=better).hours
        <= training_time(SEVEN_B, setup, rows=10, card=ROUND).hours
    )


def test_embedding_grows_with_the_corpus_and_shrinks_with_cores():
    one = embedding_time(1_000_000, MINILM, cpu_cores=1)
    assert embedding_time(2_000_000, MINILM, cpu_cores=1).hours == pytest.approx(2 * one.hours)
    assert embedding_time(1_000_000, MINILM, cpu_cores=8).hours == pytest.approx(one.hours / 8)
    assert embedding_time(1_000_000, MINILM, card=ROUND).hours < one.hours / 100


def test_minilm_on_two_cores_embeds_what_was_measured():
    """4,200 tokens/s: the figure from which the rate of a core was taken."""
    found = embedding_time(4_200 * 60, MINILM, cpu_cores=2, chunk_tokens=178)
    assert found.hours * 3600 == pytest.approx(60, rel=0.05)


@pytest.mark.parametrize(
    "wrong, name",
    [({"rows": 0}, "rows"), ({"epochs": -1}, "epochs"), ({"tokens_per_row": float("nan")}, "tokens")],
)
def test_counts_that_make_no_sense_are_named(wrong, name):
    with pytest.raises(ValueError, match=name):
        training_time(SEVEN_B, LORA, card=ROUND, **{"rows": 10, **wrong})


def test_every_rate_has_a_source_a_date_and_ends_in_order():
    for row in read_facts("rates"):
        assert row["source"] and row["date"] and row["measured"], row["key"]
        ends = [row.get("low", row["value"]), row["value"], row.get("high", row["value"])]
        assert ends in (sorted(ends), sorted(ends, reverse=True)), row["key"]


def test_a_slow_stack_is_slower_in_everything():
    slow, fast = stack("low"), stack("high")
    assert slow.launch > fast.launch and slow.elementwise > fast.elementwise
    for name in ("matmul", "bandwidth", "bitsandbytes", "gptq", "link", "training_core", "decoding"):
        assert getattr(slow, name) < getattr(fast, name), name


def test_the_longest_beginning_of_a_name_decides_what_a_card_multiplies_at_best():
    def share(name):
        card = find_card(name)
        return matmul_limit(card) / (card.tflops_16bit * 1e12)

    assert share("L40S") == rate("matmul L40S")
    assert share("L40") == rate("matmul other")
    assert share("A100-40GB") == rate("matmul A100")
    assert share("RTX 4060 Ti 16GB") == rate("matmul RTX 4060")
    assert share("RTX 3070") == rate("matmul GeForce")
    assert share("RTX 5000 Ada") == rate("matmul other")


def test_a_context_without_a_card_or_cores_counts_one_core():
    spec = ModelSpec(name="t", layers=1, hidden=8, intermediate=8, heads=1, kv_heads=1, vocab=10)
    assert training_time(spec, LORA, rows=1).card == "CPU with 1 cores"


def test_works_one_after_the_other_add_up():
    first, second = (
        embedding_time(10**6, MINILM, cpu_cores=2),
        training_time(MINILM, LORA, rows=10, cpu_cores=2),
    )
    whole = in_all(first, second)
    assert whole.hours == first.hours + second.hours and whole.low_hours < whole.hours < whole.high_hours
    assert whole.tokens == first.tokens + second.tokens
    with pytest.raises(ValueError, match="No work"):
        in_all()
