"""Every rule by itself: silent where its question is open, few weights, a source that exists."""

import typing
from dataclasses import fields, replace

import pytest

from advisor import Needs, hardware_with_vram
from advisor.case import Case, cited
from advisor.probes import probes
from advisor.rules import RULES, simplicity
from advisor.schema import Constraint

SCALE = {0.3, 0.5, 1, 1.5, 2, 3, 4, 5}
OPEN = Case(hardware=hardware_with_vram(24), data=None, needs=Needs())
LIMITS = [("constraint", value) for value in typing.get_args(Constraint)]
MORE = [("update_days", 7.0), ("update_days", 100.0), ("labelled_examples", 100), ("preference_pairs", 50),
        ("model_params_b", 7.0), ("latency_ms", 300.0)]  # fmt: skip
ANSWERS = [(probe.key, probe.value) for probe in probes()] + LIMITS + MORE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_says_nothing_where_nothing_was_answered(rule):
    assert (rule(OPEN) is None) == (rule is not simplicity)


@pytest.mark.parametrize(("key", "value"), ANSWERS)
def test_weights_stand_on_one_scale_and_name_question_and_source(key, value):
    case = replace(OPEN, needs=replace(Needs(), **{key: value}))
    for verdict in filter(None, (rule(case) for rule in RULES)):
        assert {abs(weight) for weight in verdict.weights.values()} <= SCALE | {0}
        assert cited(verdict.evidence)
        assert (verdict.need in {item.name for item in fields(Needs)}) != (verdict.fact is not None)


def test_every_need_is_asked_by_a_rule_or_by_the_machine():
    elsewhere = {"model", "language", "vram_gib", "gpus", "rag_tried", "privacy"}  # what is run, and where
    spoken = {
        verdict.need
        for key, value in ANSWERS
        for verdict in filter(None, (r(replace(OPEN, needs=replace(Needs(), **{key: value}))) for r in RULES))
    }
    assert {item.name for item in fields(Needs)} - elsewhere <= spoken


def test_a_guess_from_file_dates_argues_but_only_an_answer_rules_out():
    needs = Needs(update_days=2.0)
    guessed = replace(OPEN, needs=needs, learned={"update_days": "modification times"})
    vetoes = [v.vetoes for case in (guessed, replace(OPEN, needs=needs)) for v in [_named(case, "freshness")]]
    assert vetoes[0] == () and "finetune" in vetoes[1]


def _named(case, name):
    return next(rule(case) for rule in RULES if rule.__name__ == name)
