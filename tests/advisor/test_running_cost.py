"""Cost over months and the volume at which another option becomes cheaper, worked out on paper."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.running_cost import (
    DAYS_A_MONTH,
    Running,
    break_even,
    break_even_by_updates,
    cost_curve,
    monthly_cost,
)

API = Running(name="api", usd_per_query=0.01)
CARD = Running(name="card", build_usd=120, card_usd_per_day=24, queries_per_card_day=10_000)


def test_a_month_costs_building_updates_cards_and_questions():
    option = Running(name="all", build_usd=120, usd_per_update=5, usd_per_query=0.01, card_usd_per_day=24)
    found = monthly_cost(option, 100, update_days=7, months=12)
    assert found == pytest.approx(10 + 5 * DAYS_A_MONTH / 7 + DAYS_A_MONTH * (24 + 1))


def test_break_even_is_where_both_cost_the_same():
    """0.01 q a day against 24 and a tenth of 120 dollars a month: q = (24 + 10 / 30.4375) / 0.01."""
    found = break_even(API, CARD)
    assert found.queries_per_day == pytest.approx((24 + 10 / DAYS_A_MONTH) / 0.01)
    assert (found.cheaper_below, found.cheaper_above) == ("api", "card")
    assert break_even(CARD, API) == found


def test_a_step_of_one_more_card_can_turn_the_answer():
    api = Running(name="api", usd_per_query=0.003)
    cards = Running(name="cards", card_usd_per_day=20, queries_per_card_day=7_000)
    first = break_even(api, cards)
    assert first.queries_per_day == pytest.approx(20 / 0.003)
    assert monthly_cost(cards, 7_001) > monthly_cost(
        api, 7_001
    )  # and back again, which is not the first crossing


def test_where_one_is_always_cheaper_there_is_no_break_even():
    dear = Running(name="dear", build_usd=1000, usd_per_query=0.02)
    found = break_even(API, dear)
    assert found.queries_per_day is None
    assert found.cheaper_below == found.cheaper_above == "api"


def test_frequent_updates_move_the_break_even_towards_what_is_cheap_to_update():
    rag = Running(name="rag", usd_per_query=0.004, usd_per_update=0.1)
    tuned = Running(name="tuned", usd_per_query=0.001, usd_per_update=50, build_usd=50)
    found = break_even_by_updates(rag, tuned, [1, 7, 30, 365])
    volumes = [each.queries_per_day for _, each in found]
    assert volumes == sorted(volumes, reverse=True)
    assert volumes[0] == pytest.approx((49.9 * DAYS_A_MONTH + 50 / 12) / (DAYS_A_MONTH * 0.003))


def test_the_curve_has_a_cost_for_each_volume():
    found = cost_curve([API, CARD], [0, 100, 20_000])
    assert found["api"] == pytest.approx((0, 100 * 0.01 * DAYS_A_MONTH, 200 * DAYS_A_MONTH))
    assert found["card"][2] == pytest.approx(10 + 48 * DAYS_A_MONTH)


OPTIONS = st.builds(
    Running,
    name=st.just("option"),
    build_usd=st.floats(0, 1e5),
    usd_per_update=st.floats(0, 1e3),
    usd_per_query=st.floats(0, 1),
    card_usd_per_day=st.floats(0, 1e3),
    queries_per_card_day=st.floats(10, 1e6),
)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(option=OPTIONS, queries=st.floats(0, 1e6), more=st.floats(0, 1e6), days=st.floats(0.1, 400))
def test_more_questions_or_updates_never_cost_less(option, queries, more, days):
    cost = monthly_cost(option, queries, update_days=days)
    assert monthly_cost(option, queries + more, update_days=days) >= cost - 1e-6
    assert monthly_cost(option, queries, update_days=days / 2) >= cost - 1e-6


@settings(derandomize=True, deadline=None, max_examples=100)
@given(a=OPTIONS, b=OPTIONS)
def test_up_to_the_break_even_the_cheaper_one_stays_the_cheaper_one(a, b):
    a, b = replace(a, name="a"), replace(b, name="b")
    found = break_even(a, b)
    cheaper, other = (a, b) if found.cheaper_below == "a" else (b, a)
    reach = 200 * min(a.queries_per_card_day, b.queries_per_card_day)  # 256 cards are looked at
    for share in (0.0, 0.3, 0.9, 0.999):
        volume = share * (reach if found.queries_per_day is None else found.queries_per_day)
        gap = monthly_cost(cheaper, volume) - monthly_cost(other, volume)
        assert gap <= 1e-9 * monthly_cost(other, volume) + 1e-6


@pytest.mark.parametrize("wrong", [{"queries_per_day": -1}, {"queries_per_day": 1, "months": 0}])
def test_numbers_that_make_no_sense_are_named(wrong):
    with pytest.raises(ValueError, match="give"):
        monthly_cost(API, **wrong)
