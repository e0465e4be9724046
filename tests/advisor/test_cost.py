"""Cost of a question and of building, worked out on paper; API prices come from the user alone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.answering import answer_seconds, kv_bytes
from advisor.catalog import find_card, find_model
from advisor.cost import Prices, build_cost, query_cost, query_tokens
from advisor.flops import active_linear, head_weights, row_work
from advisor.rates import rate
from advisor.setups import Card, TimeEstimate

MODEL = find_model("Qwen2.5-7B-Instruct")
A100 = find_card("A100-80GB")
ROUND = Card(name="Round", vram_gib=80, bandwidth_gb_s=1000, tflops_16bit=100, usd_per_hour=2.0)
API = Prices(usd_per_m_input=1.0, usd_per_m_output=4.0)
WORK = TimeEstimate(hours=3.0, low_hours=2, high_hours=5, flops=1e18, tokens=2_000_000, card="Round")


def test_an_api_question_is_tokens_times_prices():
    found = query_cost("rag", MODEL, prices=API, prompt_tokens=600, retrieved_tokens=1000, answer_tokens=100)
    assert found.hosted == "api"
    assert found.per_1000_queries_usd == pytest.approx(1000 * (1600 * 1.0 + 100 * 4.0) / 1e6)


def test_cached_tokens_cost_what_the_user_pays_for_them():
    cached = replace(API, usd_per_m_cached_input=0.1)
    long = query_cost(
        "long_context", MODEL, prices=cached, prompt_tokens=100_000, cached_tokens=99_000, answer_tokens=0
    )
    assert long.per_1000_queries_usd == pytest.approx(1000 * (1_000 * 1.0 + 99_000 * 0.1) / 1e6)
    whole = query_cost("long_context", MODEL, prices=API, prompt_tokens=100_000, answer_tokens=0)
    assert whole.per_1000_queries_usd == pytest.approx(100.0)


def test_a_tuned_model_pays_its_own_prices():
    prices = replace(API, usd_per_m_tuned_input=3.0, usd_per_m_tuned_output=6.0)
    tuned = query_cost("finetune", MODEL, prices=prices, prompt_tokens=100, answer_tokens=100)
    assert tuned.per_1000_queries_usd == pytest.approx(1000 * (100 * 3 + 100 * 6) / 1e6)


def test_no_price_is_invented():
    found = query_cost("rag", MODEL, prices=Prices(), card=replace(ROUND, usd_per_hour=None))
    assert found.per_1000_queries_usd is None and found.card_usd_per_day is None
    assert query_cost("rag", MODEL, prices=API, hosted="own", card=ROUND).per_1000_queries_usd is None
    assert build_cost(WORK, Prices(), hosted="api") is None


def test_writing_is_bound_by_reading_the_weights():
    """One question at a time, nothing to read: 100 tokens of all weights and a growing cache."""
    weights = 2 * (active_linear(MODEL) + head_weights(MODEL))
    cache = (1 + 50) * kv_bytes(MODEL)
    bandwidth = 1000e9 * rate("bandwidth in decoding")
    reading = (row_work(MODEL, 1).flops + 2 * head_weights(MODEL)) / (
        100e12 * 0.8 * rate("matmul in training")
    )
    expected = reading + 100 * (weights + cache) / bandwidth
    found = answer_seconds(MODEL, ROUND, read_tokens=1, answer_tokens=100, concurrent=1)
    assert found == pytest.approx(expected)


def test_questions_that_are_answered_together_share_the_weights():
    alone = answer_seconds(MODEL, ROUND, read_tokens=100, answer_tokens=100, concurrent=1)
    together = answer_seconds(MODEL, ROUND, read_tokens=100, answer_tokens=100, concurrent=16)
    assert alone / 16 < together < alone / 4


def test_a_kept_prefix_is_not_read_again():
    whole = answer_seconds(MODEL, A100, read_tokens=50_000, answer_tokens=100)
    kept = answer_seconds(MODEL, A100, read_tokens=1_000, kept_tokens=49_000, answer_tokens=100)
    assert kept < whole / 3


def test_a_rented_card_is_paid_around_the_clock():
    found = query_cost("prompt_only", MODEL, card=ROUND, queries_per_day=100)
    assert found.per_1000_queries_usd == pytest.approx(1000 * 24 * 2.0 / 100)
    assert found.card_usd_per_day == 48.0
    seconds = 24 * 3600 / found.queries_per_card_day
    twice = query_cost("prompt_only", MODEL, card=ROUND, queries_per_day=1.5 * 24 * 3600 / seconds)
    assert twice.assumptions[-1] == "cards rented around the clock: 2"


def test_without_a_volume_the_card_is_paid_for_its_work_and_its_idle_share():
    found = query_cost("prompt_only", MODEL, card=ROUND)
    seconds = 24 * 3600 / found.queries_per_card_day
    assert found.per_1000_queries_usd == pytest.approx(
        1000 * seconds / 3600 * 2 / rate("share of the day in use")
    )


def test_an_own_card_costs_its_power():
    prices = Prices(usd_per_kwh=0.3, watts=400)
    found = query_cost("prompt_only", MODEL, card=ROUND, prices=prices)
    assert found.hosted == "own"
    rented = query_cost("prompt_only", MODEL, card=ROUND)
    seconds = 24 * 3600 / rented.queries_per_card_day
    assert found.per_1000_queries_usd == pytest.approx(1000 * seconds / 3600 * 0.12)


def test_building_costs_hours_of_rent_or_the_fee_of_the_api():
    assert build_cost(WORK, Prices(), card=ROUND) == 6.0
    assert build_cost(WORK, Prices(usd_per_gpu_hour=1.0), card=ROUND, cards=2) == 6.0
    assert build_cost(WORK, Prices(usd_per_m_training=5.0), hosted="api") == 10.0
    assert build_cost(WORK, Prices(usd_per_m_embedding=0.1), hosted="api", what="embedding") == pytest.approx(
        0.2
    )
    assert build_cost(None, Prices()) == 0.0


def test_a_tuned_model_needs_no_instructions_and_long_context_reads_the_corpus():
    assert query_tokens("finetune").prompt < query_tokens("prompt_only").prompt
    assert query_tokens("hybrid").retrieved == query_tokens("rag").retrieved > 0
    assert (
        query_tokens("long_context", corpus_tokens=50_000).prompt
        == 50_000 + query_tokens("prompt_only").prompt
    )


@settings(derandomize=True, deadline=None, max_examples=60)
@given(tokens=st.integers(0, 20_000), more=st.integers(0, 20_000), hosted=st.sampled_from(["api", "rented"]))
def test_more_tokens_never_cost_less(tokens, more, hosted):
    def cost(**counts):
        return query_cost("rag", MODEL, prices=API, card=ROUND, hosted=hosted, **counts).per_1000_queries_usd

    base = {"prompt_tokens": tokens, "retrieved_tokens": 500, "answer_tokens": 50}
    assert cost(**{**base, "prompt_tokens": tokens + more}) >= cost(**base)
    assert cost(**{**base, "retrieved_tokens": 500 + more}) >= cost(**base)
    assert cost(**{**base, "answer_tokens": 50 + more}) >= cost(**base)


@pytest.mark.parametrize(
    "wrong, name",
    [
        ({"prompt_tokens": -1}, "prompt_tokens"),
        ({"prompt_tokens": 10, "cached_tokens": 11}, "cached_tokens"),
        ({"queries_per_day": 0}, "queries_per_day"),
        ({"concurrent": 0}, "concurrent"),
    ],
)
def test_counts_that_make_no_sense_are_named(wrong, name):
    with pytest.raises(ValueError, match=name):
        query_cost("rag", MODEL, card=ROUND, **wrong)


def test_a_negative_price_is_named():
    with pytest.raises(ValueError, match="usd_per_m_output is -1"):
        Prices(usd_per_m_output=-1)
