from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import TrainSetup, estimate_memory, find_model, fits_table, largest_batch, longest_sequence
from advisor.catalog import models
from advisor.limits import MOST_ROWS, TOKEN_STEP, _largest, method_setup, verdict

QWEN_7B, MINILM = find_model("Qwen2.5-7B"), find_model("minilm")
SIZES_GIB = st.floats(min_value=0.5, max_value=200)
MODELS = st.sampled_from(models())
SETUPS = st.builds(
    lambda method, **fields: method_setup(method, **fields),
    st.sampled_from(("full", "lora", "qlora", "dora")),
    seq_len=st.sampled_from((64, 1000, 4096)),
    batch_size=st.integers(1, 16),
    attention=st.sampled_from(("eager", "sdpa")),
    gradient_checkpointing=st.booleans(),
)
slowly = settings(max_examples=40, deadline=None, derandomize=True)


@slowly
@given(MODELS, SETUPS, SIZES_GIB, st.booleans())
def test_the_longest_row_fits_and_one_step_more_does_not(model, setup, vram_gib, surely):
    def need(tokens):
        memory = estimate_memory(model, replace(setup, seq_len=tokens))
        return memory.high_gib if surely else memory.device_gib

    found = longest_sequence(model, setup, vram_gib, surely=surely)
    if found is None:
        assert need(TOKEN_STEP) > vram_gib
    else:
        assert found % TOKEN_STEP == 0 and need(found) <= vram_gib
        assert found + TOKEN_STEP > model.context_tokens or need(found + TOKEN_STEP) > vram_gib


@slowly
@given(MODELS, SETUPS, SIZES_GIB)
def test_the_largest_batch_fits_and_one_row_more_does_not(model, setup, vram_gib):
    found = largest_batch(model, setup, vram_gib) or 0
    fits = [
        verdict(estimate_memory(model, replace(setup, batch_size=n)), vram_gib)
        for n in (found, found + 1)
        if n
    ]
    assert fits[-1] != "yes" or found == MOST_ROWS
    assert found == 0 or fits[0] == "yes"


@slowly
@given(MODELS, SETUPS, SIZES_GIB, SIZES_GIB)
def test_more_memory_never_shortens_rows_or_batches(model, setup, one, other):
    small, large = sorted((one, other))
    for limit in (longest_sequence, largest_batch):
        assert (limit(model, setup, small) or 0) <= (limit(model, setup, large) or 0)


@slowly
@given(MODELS, SETUPS, SIZES_GIB, st.integers(1, 8))
def test_more_rows_never_lengthen_them(model, setup, vram_gib, more):
    longer = replace(setup, batch_size=setup.batch_size + more)
    fewer, many = (longest_sequence(model, one, vram_gib) or 0 for one in (setup, longer))
    assert many <= fewer


@slowly
@given(MODELS, st.sampled_from(("full", "lora", "qlora")), SIZES_GIB, SIZES_GIB)
def test_a_larger_card_never_has_a_worse_verdict(model, method, one, other):
    rank = {"no": 0, "tight": 1, "yes": 2}
    small, large = (fits_table(size, [model], [method])[0] for size in sorted((one, other)))
    assert rank[small.fits] <= rank[large.fits] and small.needs_gib == large.needs_gib


@given(st.integers(0, 300), st.integers(1, 200), st.sampled_from((1, 2, 3)))
def test_the_search_finds_the_edge_of_any_rising_need(limit, top, power):
    found = _largest(lambda n: float(n**power), float(limit), top)
    assert found == (max((n for n in range(1, top + 1) if n**power <= limit), default=0) or None)


def test_the_search_asks_a_few_times_where_the_need_is_a_line():
    asked = []
    _largest(lambda n: asked.append(n) or 5.0 + 0.01 * n, 23.456, 4096)
    assert len(asked) <= 6


def test_a_verdict_goes_by_the_upper_end_and_then_by_the_best_estimate():
    memory = estimate_memory(QWEN_7B, TrainSetup())
    between = (memory.device_gib + memory.high_gib) / 2
    sizes = (memory.high_gib, between, memory.device_gib, memory.device_gib - 0.01)
    assert [verdict(memory, size) for size in sizes] == ["yes", "tight", "tight", "no"]


def test_rows_end_at_the_models_window_and_so_does_the_length_of_the_table():
    assert longest_sequence(MINILM, TrainSetup(), 80) == MINILM.context_tokens
    assert fits_table(24, [MINILM], ["lora"], seq_len=4096)[0].seq_len == MINILM.context_tokens


def test_qlora_fits_where_lora_does_not_and_lora_where_full_does_not():
    assert [row.fits for row in fits_table(14, [QWEN_7B], ["full", "lora", "qlora"])] == ["no", "no", "yes"]


def test_a_tight_row_says_what_may_fit_and_a_sure_one_what_fits():
    needs = fits_table(80, [QWEN_7B], ["lora"])[0].needs_gib
    tight, sure = (fits_table(size, [QWEN_7B], ["lora"])[0] for size in (needs - 0.01, needs))
    assert (tight.fits, tight.largest_batch) == ("tight", None) and tight.may_batch >= 1
    assert (sure.fits, sure.may_batch) == ("yes", None) and sure.longest_seq_len >= 1024


def test_a_row_that_fits_only_when_shorter_is_tight():
    shortest = estimate_memory(QWEN_7B, method_setup("qlora", seq_len=256)).high_gib
    row = fits_table(shortest, [QWEN_7B], ["qlora"], seq_len=8192)[0]
    assert (
        row.fits == "tight" and 256 <= row.longest_seq_len <= row.may_seq_len < 8192 and row.may_batch is None
    )


def test_a_card_that_takes_rows_of_no_use_alone_is_said_not_to_do():
    least = estimate_memory(QWEN_7B, method_setup("qlora", seq_len=64)).device_gib
    row = fits_table(least + 0.01, [QWEN_7B], ["qlora"])[0]
    assert (row.fits, row.longest_seq_len, row.may_seq_len) == ("no", None, None) and row.needs_gib > least


def test_a_model_that_a_method_does_not_suit_says_why():
    row = fits_table(24, [QWEN_7B], ["lora"], lora_targets="nose")[0]
    assert (row.fits, row.needs_gib) == ("no", None) and "nose" in row.why_not


@pytest.mark.parametrize(("gpus", "sharding"), [(1, "none"), (4, "fsdp")])
def test_several_cards_share_the_weights_unless_told_otherwise(gpus, sharding):
    assert method_setup("lora", gpus=gpus).sharding == sharding
    assert method_setup("lora", gpus=gpus, sharding="ddp").sharding == "ddp"
