from typing import get_args

import pytest

from advisor import schema, setups
from advisor.catalog import all_evidence, evidence, method_facts, read_facts, threshold

STRATEGIES = set(get_args(schema.Strategy))
METHODS = set(get_args(setups.Method))


@pytest.mark.parametrize("row", read_facts("evidence"), ids=lambda row: row["key"])
def test_each_claim_has_a_figure_and_names_what_it_speaks_on(row):
    assert len(row["claim"]) > 30
    assert row["figure"]
    assert set(row.get("about", ())) <= STRATEGIES | METHODS
    known = {"key", "claim", "figure", "source", "date", "about", "value", "enough", "too_few"}
    assert set(row) <= known, "a misspelt key would be read by nobody"


def test_keys_of_evidence_are_distinct_and_each_is_found():
    keys = [row.key for row in all_evidence()]
    assert len(keys) == len(set(keys)) >= 50
    assert all(evidence(key).key == key for key in keys)
    with pytest.raises(KeyError, match="has no row 'nothing'"):
        evidence("nothing")


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_each_strategy_has_evidence(strategy):
    assert any(strategy in row.about for row in all_evidence())


@pytest.mark.parametrize("method", ["dpo", "features", "full", "kto", "lora", "prefix", "qlora"])
def test_each_method_that_is_proposed_has_evidence(method):
    assert any(method in row.about for row in all_evidence())


def test_a_measured_outcome_is_quoted_with_its_source():
    row = evidence("ovadia_llama2")
    assert row.cited == "Ovadia et al., arXiv 2312.05934, 2023-12 (0.585 against 0.326 and 0.219)"
    assert row.about == ("rag", "finetune", "hybrid")


def test_thresholds_that_rules_compare_with_are_sensible():
    assert threshold("fresh_rag") == 7
    assert 100_000 <= threshold("long_context") <= 1_000_000
    assert threshold("labels", "too_few") < threshold("labels") < threshold("labels", "enough")
    assert threshold("pretraining") == 1e9


def test_every_method_and_none_has_a_row():
    assert {row["name"] for row in read_facts("methods")} == METHODS | {"none"}


@pytest.mark.parametrize("row", read_facts("methods"), ids=lambda row: row["name"])
def test_a_method_s_settings_are_plausible(row):
    assert row["title"]
    assert row["title_zh"]
    assert row["trains"]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in row["trains_zh"])
    assert 1e-7 <= row.get("learning_rate", 1e-4) <= 1e-2
    assert row.get("learning_rate_above_13b", 0.0) <= row.get("learning_rate", 0.0)
    assert 1 <= row.get("epochs", 1) <= 10
    assert row.get("weight_dtype", "bf16") in get_args(setups.WeightDtype)
    assert row.get("alpha", 0) in (0, row.get("rank", 0), 2 * row.get("rank", 0))


def test_only_what_learns_has_a_learning_rate():
    without = {row["name"] for row in read_facts("methods") if "learning_rate" not in row}
    assert without == {"none", "features"}


def test_an_unknown_method_is_refused_with_the_known_ones():
    assert method_facts("dpo")["beta"] == 0.1
    with pytest.raises(ValueError, match="Unknown method 'sorcery'; choose one of .*'lora'"):
        method_facts("sorcery")
