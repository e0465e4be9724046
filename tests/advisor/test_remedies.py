from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import ServeSetup, estimate_memory, find_model
from advisor.catalog import models
from advisor.limits import method_setup, verdict
from advisor.phrase import Phrase
from advisor.remedies import MOST_SHOWN, remedies

QWEN_7B = find_model("Qwen2.5-7B")
GREEDY = method_setup(
    "lora",
    batch_size=8,
    seq_len=8192,
    gradient_checkpointing=False,
    attention="eager",
)
SETUPS = st.one_of(
    st.builds(
        method_setup,
        st.sampled_from(("full", "lora", "qlora")),
        batch_size=st.integers(1, 8),
        seq_len=st.sampled_from((512, 2048, 8192)),
        attention=st.sampled_from(("eager", "sdpa")),
        gradient_checkpointing=st.booleans(),
    ),
    st.builds(ServeSetup, context_tokens=st.sampled_from((2048, 32768)), concurrent=st.integers(1, 64)),
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from(models()), SETUPS, st.sampled_from((6.0, 16.0, 24.0, 80.0)))
def test_what_is_said_to_make_it_fit_does_and_is_better_than_before(model, setup, vram_gib):
    before = verdict(estimate_memory(model, setup), vram_gib)
    found = remedies(model, setup, vram_gib)
    assert len(found) <= MOST_SHOWN and (before != "yes" or not found)
    for remedy in found:
        after = estimate_memory(model, replace(setup, **remedy.changed))
        assert after == remedy.memory and verdict(after, vram_gib) == remedy.fits
        assert remedy.fits == "yes" or before == "no"


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.sampled_from(models()), st.sampled_from((6.0, 12.0, 24.0)))
def test_no_change_of_a_remedy_is_idle(model, vram_gib):
    for remedy in remedies(model, GREEDY, vram_gib):
        if remedy.fits != "yes" or "method" in remedy.changed:
            continue
        for name in set(remedy.changed) - {"accumulation"}:  # which comes with a smaller batch
            fewer = {key: value for key, value in remedy.changed.items() if key != name}
            left = replace(GREEDY, **fewer)
            assert verdict(estimate_memory(model, left), vram_gib) != "yes"


def test_what_fits_surely_comes_first():
    for vram_gib in (6, 8, 10, 14, 20):
        sure = [
            remedy.fits == "yes" for remedy in remedies(QWEN_7B, method_setup("lora", seq_len=4096), vram_gib)
        ]
        assert sure == sorted(sure, reverse=True)


def test_rows_are_kept_whole_where_cheaper_changes_do():
    first = remedies(QWEN_7B, GREEDY, 24)[0]
    assert "seq_len" not in first.changed and first.changed["attention"] == "sdpa"


def test_a_batch_is_made_only_as_small_as_it_has_to_be():
    setup = method_setup("lora", batch_size=32, seq_len=1024)
    room = estimate_memory(QWEN_7B, replace(setup, batch_size=5, accumulation=2)).high_gib
    fewer = next(
        r for r in remedies(QWEN_7B, setup, room) if set(r.changed) == {"batch_size", "accumulation"}
    )
    assert fewer.changed == {"batch_size": 5, "accumulation": 7}
    assert fewer.text == "5 rows at a time instead of 32, gradients accumulated"


def test_full_tuning_is_told_of_adapters_and_serving_of_fewer_bits():
    tuning = [remedy.changed.get("method") for remedy in remedies(QWEN_7B, method_setup("full"), 24)]
    serving = [remedy.changed.get("weight_dtype") for remedy in remedies(QWEN_7B, ServeSetup(), 12)]
    assert {"lora", "qlora"} <= set(tuning) and "nf4" in serving


@pytest.mark.parametrize(
    "setup", [GREEDY, method_setup("full"), ServeSetup(context_tokens=32768, concurrent=40)]
)
def test_every_remedy_can_be_said_in_another_language(setup):
    found = remedies(QWEN_7B, setup, 24)
    assert found and all(isinstance(remedy.text, Phrase) for remedy in found)


def test_a_smaller_batch_that_others_make_needless_does_not_hide_them():
    setup = method_setup("lora", batch_size=8, gradient_checkpointing=False)
    on_one_card = [remedy for remedy in remedies(QWEN_7B, setup, 16) if "gpus" not in remedy.changed]
    assert on_one_card and on_one_card[0].fits == "yes"


def test_a_hopeless_run_gets_no_advice():
    assert remedies(find_model("Qwen2.5-32B"), method_setup("full"), 2) == ()
