import json

import pytest

from advisor import find_gpu, find_model, resolve_model
from advisor.catalog import evidence, model_of_size, models, read_facts
from advisor.rules import RULES
from advisor.shape import count_parameters


@pytest.mark.parametrize("table", ["models", "gpus", "methods", "evidence"])
def test_every_row_has_a_source_and_a_date(table):
    rows = read_facts(table)
    assert rows
    for row in rows:
        assert len(row["source"]) > 5, row
        assert row["date"][:2] in ("19", "20"), row


@pytest.mark.parametrize("spec", models(), ids=lambda spec: spec.name.split("/")[-1])
def test_stated_sizes_agree_with_the_shapes_within_one_per_cent(spec):
    assert count_parameters(spec).total / 1e9 == pytest.approx(spec.params_b, rel=0.01)


def test_cards_are_plausible():
    for gpu in read_facts("gpus"):
        assert 4 <= gpu["vram_gib"] <= 300
        assert 100 <= gpu["bandwidth_gb_s"] <= 10_000
        assert 10 <= gpu["tflops_16bit"] <= 3_000
        assert gpu["bf16"] == (gpu["compute_capability"] >= 8.0)


def test_a_model_is_found_by_full_name_last_part_and_alias():
    assert find_model("Qwen/Qwen2.5-7B-Instruct") is find_model("qwen2.5-7b")
    assert find_model("minilm").kind == "encoder"


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown model 'Qwen2.5-8B'.*Qwen2.5-7B-Instruct"):
        find_model("Qwen2.5-8B")


def test_a_local_folder_with_a_config_is_a_model(tmp_path):
    config = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    assert resolve_model(str(tmp_path)).layers == 2


def test_a_config_that_lacks_a_field_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 64, "num_attention_heads": 4}', "utf-8")
    with pytest.raises(ValueError, match="lacks 'num_hidden_layers'"):
        resolve_model(str(tmp_path))


def test_a_size_alone_finds_a_model_of_about_that_size():
    assert model_of_size(7).params_b == pytest.approx(7, rel=0.1)
    with pytest.raises(ValueError, match="model_params_b is -3"):
        model_of_size(-3)


def test_a_card_is_found_as_the_driver_spells_it():
    assert find_gpu("NVIDIA GeForce RTX 4090")["vram_gib"] == 24
    assert find_gpu("Voodoo 2") is None


def test_the_figures_that_rules_quote_exist():
    assert evidence("knowledge_measured").figure == "0.875 against 0.504"
    assert len(RULES) == len({rule.__name__ for rule in RULES})
