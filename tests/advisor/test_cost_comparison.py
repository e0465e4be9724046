"""Ways to adapt side by side: which are possible, what an update costs, and where they meet."""

from dataclasses import replace

import pytest

from advisor.catalog import find_card, find_model
from advisor.cost import Prices
from advisor.cost_comparison import CostWishes, compare_costs

MODEL = find_model("Qwen2.5-7B-Instruct")
L40S = find_card("L40S")
API = Prices(usd_per_m_input=0.5, usd_per_m_output=1.5, usd_per_m_training=3.0)
WISHES = CostWishes(corpus_tokens=10_000, update_days=7)


def _found(wishes=WISHES, **given):
    return {(row.strategy, row.cost.hosted): row for row in compare_costs(MODEL, wishes, **given).rows}


def test_each_strategy_stands_on_each_hosting_that_has_a_price():
    found = _found(prices=API, card=L40S)
    assert {hosted for _, hosted in found} == {"api", "rented"}
    assert len(found) == 10
    assert {hosted for _, hosted in _found(card=L40S)} == {"rented"}
    assert not _found()


def test_without_documents_nothing_is_retrieved():
    assert {strategy for strategy, _ in _found(replace(WISHES, corpus_tokens=0), prices=API)} == {
        "prompt_only",
        "finetune",
    }


def test_documents_beyond_the_window_cannot_stand_in_the_prompt():
    assert ("long_context", "api") in _found(prices=API)
    assert ("long_context", "api") not in _found(replace(WISHES, corpus_tokens=10**7), prices=API)


def test_an_update_trains_again_only_where_the_facts_stand_in_the_weights():
    found = _found(prices=API, card=L40S)
    tuned, both = found["finetune", "rented"], found["hybrid", "rented"]
    assert tuned.usd_per_update == pytest.approx(tuned.running.build_usd)
    assert both.usd_per_update < both.running.build_usd / 100
    assert found["prompt_only", "api"].usd_per_update == 0


def test_the_fee_of_an_api_is_tokens_trained_on():
    tuned = _found(prices=API)["finetune", "api"]
    assert tuned.running.build_usd == pytest.approx(3 * 1000 * 1024 * 3.0 / 1e6)


def test_without_a_fee_the_month_stays_unknown():
    tuned = _found(prices=replace(API, usd_per_m_training=None))["finetune", "api"]
    assert tuned.usd_a_month is None and tuned.cost.per_1000_queries_usd is not None


def test_rows_are_sorted_and_the_cheapest_meets_the_others():
    found = compare_costs(MODEL, WISHES, prices=API, card=L40S)
    months = [row.usd_a_month for row in found.rows]
    assert months == sorted(months)
    assert all(turning.cheapest is found.rows[0] for turning in found.turnings)
    volume = next(each for each in found.turnings if each.other.cost.hosted == "rented").found.queries_per_day
    assert volume is not None and volume > WISHES.queries_per_day


def test_the_more_often_documents_change_the_later_tuning_pays():
    found = compare_costs(MODEL, WISHES, prices=API)
    tuned = next(each for each in found.turnings if each.other.strategy == "finetune")
    volumes = [each.queries_per_day for _, each in tuned.by_updates]
    assert volumes == sorted(volumes, reverse=True)
