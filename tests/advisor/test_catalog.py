import json

import pytest

from advisor import cards, find_card, find_model, resolve_model, typical_card
from advisor.catalog import default_models, evidence, model_of_size, models, read_facts
from advisor.families import FAMILIES
from advisor.rules import RULES
from advisor.shape import count_parameters, resolved


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


def test_at_least_forty_cards_with_distinct_names():
    assert len(cards()) == len({card.name for card in cards()}) >= 40
    assert {card.vendor for card in cards()} == {"NVIDIA", "AMD", "Apple", "CPU"}


def test_rates_of_cards_are_plausible():
    for card in cards():
        assert 4 <= card.vram_gib <= 300, card
        assert 50 <= card.bandwidth_gb_s <= 10_000, card
        assert 0.5 <= card.tflops_16bit <= 3_000, card
        # int8 runs at the 16-bit rate (AMD CDNA 2), at twice it, or at four times it (GeForce with fp32 accumulation)
        assert card.tops_int8 == 0 or 0.95 <= card.tops_int8 / card.tflops_16bit <= 4.1, card


def test_number_formats_follow_from_the_compute_capability():
    for card in cards():
        if card.vendor == "NVIDIA":
            assert card.bf16 == (card.compute_capability >= 8.0), card
            assert card.fp8 == (card.compute_capability >= 8.9), card
        else:
            assert card.compute_capability is None


def test_each_price_is_a_named_provider_s_and_plausible():
    for row in read_facts("gpus"):
        if "usd_per_hour" in row:
            assert 0.05 <= row["usd_per_hour"] <= 20, row
            assert "." in row["price_source"], row
            assert row["price_date"].startswith("202"), row


def test_every_card_computes_more_than_it_reads():
    for card in cards():
        operations_per_byte = card.tflops_16bit * 1e3 / card.bandwidth_gb_s
        assert 10 < operations_per_byte < 600, card


def test_at_least_forty_eight_models_with_distinct_names():
    assert len(models()) == len({spec.name for spec in models()}) >= 48
    assert {spec.kind for spec in models()} == {"decoder", "encoder"}


@pytest.mark.parametrize("spec", models(), ids=lambda spec: spec.name.split("/")[-1])
def test_what_a_model_states_fits_together(spec):
    family = FAMILIES[spec.family]
    assert family.kind == spec.kind
    assert family.gated_mlp == spec.gated_mlp
    assert family.norms_per_layer == spec.norms_per_layer
    assert (family.qk_norm != "no") == spec.qk_norm
    assert spec.heads % spec.kv_heads == 0
    assert spec.head_dim or spec.hidden % spec.heads == 0
    assert spec.context_tokens >= 512
    assert spec.licence
    assert set(spec.languages) & {"en", "zh"}
    assert bool(spec.local_layers) == bool(spec.window_tokens)
    assert resolved(spec) == spec


def test_the_models_proposed_by_default_are_open_and_know_both_languages():
    assert [spec.name for spec in default_models()] == [
        f"Qwen/Qwen2.5-{size}-Instruct" for size in ("7B", "1.5B", "0.5B")
    ]
    for spec in default_models():
        assert spec.licence == "Apache-2.0"
        assert {"en", "zh"} <= set(spec.languages)


def test_no_two_models_answer_to_the_same_name():
    owners = {}
    for row in read_facts("models"):
        for name in (row["name"], row["name"].split("/")[-1], *row.get("aliases", ())):
            assert owners.setdefault(name.casefold(), row["name"]) == row["name"], name


def test_encoders_that_find_or_rerank_are_marked():
    marked = {row["name"]: row["use"] for row in read_facts("models") if "use" in row}
    assert set(marked.values()) == {"embedder", "reranker"}
    assert all(find_model(name).kind == "encoder" for name in marked)


def test_a_model_is_found_by_full_name_last_part_and_alias():
    assert find_model("Qwen/Qwen2.5-7B-Instruct") is find_model("qwen2.5-7b")
    assert find_model("minilm").kind == "encoder"


def test_a_base_model_has_the_shape_of_the_one_tuned_from_it():
    assert find_model("Qwen/Qwen2.5-7B") is find_model("Qwen/Qwen2.5-7B-Instruct")
    assert find_model("meta-llama/Llama-2-7b-hf") is find_model("llama2-7b")
    assert find_model("google/gemma-3-4b") is find_model("gemma-3-4b-it")


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("Qwen2.5-8B", "Qwen2.5-7B-Instruct"), ("llama3.1-7b", "Llama-3.1-8B"), ("gemma4-9b", "gemma-2-9b-it")]
    + [("mixtral-8x9b", "Mixtral-8x7B"), ("bge-basis", "bge-base-en-v1.5")],
)
def test_an_unknown_model_names_the_nearest(asked, nearest):
    with pytest.raises(ValueError, match=f"Unknown model '{asked}'.*{nearest}") as refusal:
        find_model(asked)
    assert "\n" not in str(refusal.value)


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


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("Tesla T4", "T4"),
        ("Tesla V100-SXM2-32GB", "V100-32GB"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 3080 Ti", "RTX 3080 Ti"),
        ("NVIDIA GeForce RTX 4060 Ti", "RTX 4060 Ti 16GB"),
        ("NVIDIA RTX A6000", "RTX A6000"),
        ("Quadro RTX 6000", "Quadro RTX 6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000 Blackwell"),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"),
        ("NVIDIA A100 80GB PCIe", "A100-80GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H100 NVL", "H100 NVL"),
        ("NVIDIA L40S", "L40S"),
        ("AMD Instinct MI300X", "MI300X"),
        ("Apple M1 Max", "Apple M1 Max 64GB"),
        ("rtx4090", "RTX 4090"),
    ],
)
def test_a_card_is_found_as_the_driver_spells_it(driver, name):
    assert find_card(driver).name == name


@pytest.mark.parametrize(
    "driver",
    [
        "Voodoo 2",
        "",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA RTX A1000",
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    ]
    + ["NVIDIA GeForce RTX 3080 12GB", "NVIDIA GeForce RTX 4090 D"],
)
def test_another_product_of_a_similar_name_is_not_found(driver):
    assert find_card(driver) is None


def test_every_card_is_found_by_its_own_name():
    assert [find_card(card.name) for card in cards()] == list(cards())


@pytest.mark.parametrize(
    ("vram_gib", "name"),
    [
        (4, "RTX 2060"),
        (12, "RTX 4070"),
        (15, "T4"),
        (16, "T4"),
        (22.1, "RTX 3090"),
        (48, "L40S"),
        (44.5, "L40S"),
    ]
    + [(79.2, "H100 SXM"), (80, "H100 SXM"), (1000, "B200")],
)
def test_a_memory_size_alone_stands_for_a_typical_card(vram_gib, name):
    assert typical_card(vram_gib).name == name


def test_more_memory_never_stands_for_a_slower_card():
    rates = [typical_card(vram / 4).tflops_16bit for vram in range(8, 1000)]
    assert rates == sorted(rates)


def test_the_figures_that_rules_quote_exist():
    assert evidence("knowledge_measured").figure == "0.875 against 0.504"
    assert len(RULES) == len({rule.__name__ for rule in RULES})
