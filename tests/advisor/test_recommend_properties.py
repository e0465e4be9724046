"""What holds for all answers and machines; the quick ranking is asked, which is the one that recommend shows."""

import typing
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import Hardware, Needs, from_json, hardware_with_vram, profile_data, recommend, to_json
from advisor.decide import case_of
from advisor.ranking import rank, standings
from advisor.schema import Task

RETRIEVES = {"rag", "hybrid", "long_context"}
TUNES_ALONE = {"finetune", "continued_pretraining"}
TUNES = {*TUNES_ALONE, "hybrid"}
MACHINE = Hardware(ram_gib=32.0, cpu_cores=8)
YES_NO = st.sampled_from([None, True, False])

ANSWERS = {
    "task": st.sampled_from([None, *typing.get_args(Task)]),
    "gap": st.sampled_from([None, "knowledge", "behaviour", "both", "none"]),
    "update_days": st.sampled_from([None, 0.5, 7.0, 30.0, 100.0, 400.0]),
    "labelled_examples": st.sampled_from([None, 0, 60, 300, 5000]),
    "preference_pairs": st.sampled_from([None, 0, 100, 5000]),
    "corpus_tokens": st.sampled_from([None, 10_000, 150_000, 10_000_000]),
    "unlabelled_tokens": st.sampled_from([None, 1_000_000, 5_000_000_000]),
    "latency_ms": st.sampled_from([None, 200.0, 5000.0]),
    "queries_per_day": st.sampled_from([None, 10.0, 1_000_000.0]),
    "privacy": st.sampled_from([None, "any", "internal", "on_prem", "air_gapped"]),
    "tenants": st.sampled_from([None, 1, 30]),
    "stage": st.sampled_from([None, "prototype", "production"]),
    "constraint": st.sampled_from([None, "gpu_memory", "training_speed"]),
    "model_params_b": st.sampled_from([None, 0.5, 7.0, 70.0]),
    "language": st.sampled_from([None, "en", "both"]),
    "model": st.none(),
    "vram_gib": st.none(),
    "gpus": st.none(),
}
any_needs = st.builds(Needs, **{item.name: ANSWERS.get(item.name, YES_NO) for item in fields(Needs)})
any_vram = st.floats(1, 200)
quickly = settings(max_examples=60, deadline=None, derandomize=True)


def order(hardware, needs):
    return standings(case_of(hardware, None, needs))


def possible(found):
    return {(way.strategy, way.method) for way in found if way.rejected is None}


@quickly
@given(any_needs, any_vram, any_vram, st.sampled_from([1, 2, 4]))
def test_more_vram_never_removes_an_option_or_worsens_the_best(needs, vram_gib, more_gib, cards):
    small = order(hardware_with_vram(vram_gib, MACHINE, count=cards), needs)
    large = order(hardware_with_vram(vram_gib + more_gib, MACHINE, count=cards), needs)
    assert possible(small) <= possible(large)
    assert large[0].strategy == small[0].strategy or large[0].score >= small[0].score
    assert large[0].score >= small[0].score


@quickly
@given(any_needs, any_vram, st.sampled_from([2, 8]))
def test_more_cards_of_a_kind_never_remove_an_option(needs, vram_gib, cards):
    one = order(hardware_with_vram(vram_gib, MACHINE), needs)
    assert possible(one) <= possible(order(hardware_with_vram(vram_gib, MACHINE, count=cards), needs))


@quickly
@given(any_needs, any_vram)
def test_a_card_never_removes_what_the_cpu_can_do(needs, vram_gib):
    assert possible(order(MACHINE, needs)) <= possible(order(hardware_with_vram(vram_gib, MACHINE), needs))


@quickly
@given(any_needs, st.floats(0.1, 2000), st.floats(0.1, 2000))
def test_more_frequent_updates_never_move_from_retrieval_to_pure_tuning(needs, one, two):
    slow = order(None, replace(needs, update_days=max(one, two)))
    fast = order(None, replace(needs, update_days=min(one, two)))
    if slow[0].strategy in RETRIEVES:
        assert fast[0].strategy not in TUNES_ALONE


@quickly
@given(any_needs, st.integers(0, 5000), st.integers(0, 5000))
def test_more_labels_never_remove_tuning(needs, one, two):
    few = order(None, replace(needs, labelled_examples=min(one, two)))
    many = order(None, replace(needs, labelled_examples=max(one, two)))
    assert possible(few) <= possible(many)
    if few[0].strategy in TUNES:
        assert many[0].strategy in TUNES


@quickly
@given(any_needs)
def test_demanding_citations_never_leads_to_pure_tuning(needs):
    assert order(None, replace(needs, needs_citations=True))[0].strategy not in TUNES_ALONE


@quickly
@given(any_needs, st.sampled_from([None, MACHINE, hardware_with_vram(8), hardware_with_vram(80)]))
def test_something_can_always_be_done_and_is_ranked_first(needs, hardware):
    options = rank(case_of(hardware, None, needs))
    able = [option for option in options if option.rejected is None]
    assert able and options[: len(able)] == tuple(able)
    assert [option.score for option in able] == sorted((o.score for o in able), reverse=True)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(any_needs, st.sampled_from([None, hardware_with_vram(24, MACHINE)]))
def test_the_same_question_gets_the_same_plan_and_survives_json(needs, hardware):
    plan = recommend(hardware, None, needs)
    assert plan == recommend(hardware, None, needs)
    assert from_json(to_json(plan)) == plan


@settings(max_examples=15, deadline=None, derandomize=True)
@given(any_needs, st.sampled_from([None, hardware_with_vram(24, MACHINE)]))
def test_every_reason_names_fact_and_source_and_the_score_is_their_sum(needs, hardware):
    for option in recommend(hardware, None, needs).options:
        reasons = [*option.reasons, *option.against]
        assert all(reason.source and reason.fact and reason.text.endswith(".") for reason in reasons)
        assert option.score == pytest.approx(sum(reason.weight for reason in reasons), abs=0.01)


def test_the_order_in_which_files_were_written_is_irrelevant(tmp_path):
    texts = {f"{n}.md": f"# Part {n}\n\nThe fee of part {n} is {n} percent.\n" * 30 for n in range(6)}
    profiles = []
    for name, order_of in (("one", list(texts)), ("two", list(reversed(texts)))):
        (tmp_path / name).mkdir()
        for file in order_of:
            (tmp_path / name / file).write_text(texts[file], "utf-8")
        profiles.append(replace(profile_data(tmp_path / name), path="docs"))
    plans = [recommend(None, profile, Needs()) for profile in profiles]
    assert plans[0] == plans[1]
