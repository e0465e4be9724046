from dataclasses import replace

import pytest

from advisor import ModelSpec, find_model
from advisor.model_config import read_config
from advisor.shape import count_parameters, linears, lora_parameters, modules, resolved, target_roles, widths

from .model_zoo import ENCODERS, config_of, on_meta

LLAMA_7B = ModelSpec(
    name="llama",
    layers=32,
    hidden=4096,
    intermediate=11008,
    heads=32,
    kv_heads=32,
    vocab=32000,
    params_b=6.738,
)
MIXTRAL = ModelSpec(
    name="mixtral",
    layers=32,
    hidden=4096,
    intermediate=14336,
    heads=32,
    kv_heads=8,
    vocab=32000,
    experts=8,
    experts_per_token=2,
    family="mixtral",
)


@pytest.mark.parametrize(
    "name",
    ["albert", "bert", "bloom", "deepseek_v2", "falcon", "glm4_moe", "gpt2", "gpt_oss", "granitemoe", "llama"]
    + ["mixtral", "modernbert", "olmoe", "opt", "phi3", "qwen2_moe", "qwen3_moe"],
)
@pytest.mark.filterwarnings("ignore")
def test_adapters_on_all_linears_count_as_peft_makes_them(name):
    peft = pytest.importorskip("peft")
    config = config_of(name)
    tuned = peft.get_peft_model(
        on_meta(config, name), peft.LoraConfig(r=4, target_modules="all-linear"), low_cpu_mem_usage=True
    )
    true = sum(parameter.numel() for parameter in tuned.parameters() if parameter.requires_grad)
    spec = read_config(config.to_dict())
    assert lora_parameters(spec, 4, target_roles(spec, "all-linear")) == true
    assert (spec.kind == "encoder") == (name in ENCODERS)


def test_the_experts_are_a_part_of_the_linears():
    """mistralai/Mixtral-8x7B-v0.1: 46.7 billion parameters, of which the experts hold 45.1."""
    counts = count_parameters(MIXTRAL)
    assert counts.total == 46_702_792_704
    assert counts.experts == 32 * 8 * 3 * 4096 * 14336
    assert counts.router == 32 * 8 * 4096
    assert counts.linear - counts.experts == 32 * 4096 * (2 * 4096 + 2 * 1024)


def test_the_kinds_add_up_to_the_total():
    for name in ("mixtral", "qwen3_moe", "opt", "bert"):
        counts = count_parameters(read_config(config_of(name).to_dict()))
        kinds = (counts.norms, counts.biases, counts.positions, counts.router, counts.other)
        assert counts.rest == sum(kinds)
        assert counts.total == counts.linear + counts.embedding + counts.head + counts.rest


def test_a_stated_size_decides_on_tied_embeddings():
    """Qwen2.5-1.5B as a table of measurements states it: whether it ties is not said."""
    qwen = replace(find_model("Qwen2.5-1.5B"), tied_embeddings=False)
    assert resolved(qwen).tied_embeddings
    assert count_parameters(qwen).head == 0
    assert not resolved(LLAMA_7B).tied_embeddings


def test_a_stated_size_decides_on_a_gate():
    plain = {"layers": 24, "hidden": 2048, "intermediate": 8192, "heads": 32, "kv_heads": 32, "vocab": 51200}
    spec = ModelSpec(name="phi-1.5", params_b=1.418, **plain)
    assert not resolved(spec).gated_mlp
    assert "gate" not in linears(spec)
    assert count_parameters(spec).total / 1e9 == pytest.approx(1.418, rel=0.01)


def test_a_size_that_no_reading_explains_changes_nothing():
    assert resolved(replace(LLAMA_7B, params_b=5.0)) == replace(LLAMA_7B, params_b=5.0)
    assert resolved(replace(LLAMA_7B, params_b=None)).params_b is None


def test_linears_are_taken_apart_and_modules_are_as_built():
    spec = read_config(config_of("phi3").to_dict())
    assert set(linears(spec)) == {"q", "k", "v", "o", "gate", "up", "down"}
    assert [module.roles for module in modules(spec)] == [("q", "k", "v"), ("o",), ("gate", "up"), ("down",)]
    q, kv = widths(spec)
    assert modules(spec)[0].d_out == q + 2 * kv


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("q_proj,v_proj", ("q", "v")),
        ("attn.c_attn", None),
        ("c_attn,c_proj", ("q", "k", "v", "o", "down")),
        ("mlp", ("gate", "up", "down")),
        ("query_key_value,dense", ("q", "k", "v", "o")),
        ("lm_head", ("head",)),
        ("all-linear", ("q", "k", "v", "o", "gate", "up", "down")),
    ],
)
def test_targets_are_understood_by_any_family_s_names(names, roles):
    if roles is None:
        with pytest.raises(ValueError, match="Unknown LoRA target 'attn.c_attn'; choose 'all-linear'"):
            target_roles(LLAMA_7B, names)
    else:
        assert target_roles(LLAMA_7B, names) == roles


def test_in_a_mixture_of_experts_the_mlp_means_the_experts():
    roles = target_roles(MIXTRAL, "mlp")
    # w1 and w3 as one tensor with twice the rank, w2 with the rank asked for
    expert = 2 * (4096 + 2 * 14336) + (14336 + 4096)
    assert lora_parameters(MIXTRAL, 8, roles) == 8 * 32 * 8 * expert


def test_experts_that_peft_does_not_convert_take_no_adapters():
    spec = replace(MIXTRAL, family="granitemoe")
    assert target_roles(spec, "all-linear") == ("q", "k", "v", "o")
    with pytest.raises(ValueError, match="mixtral has no module that 'experts' names; choose of"):
        target_roles(spec, "experts")


def test_any_module_named_by_a_target_is_one_of_the_seven_roles():
    for name in ("bert", "deepseek_v2", "mixtral", "opt", "qwen2_moe"):
        spec = read_config(config_of(name).to_dict())
        assert set(target_roles(spec, "all-linear")) <= set(linears(replace(spec, gated_mlp=True)))


def test_more_rank_means_proportionally_more_parameters():
    spec = find_model("Qwen2.5-7B")
    roles = target_roles(spec, "all-linear")
    assert lora_parameters(spec, 32, roles) == 4 * lora_parameters(spec, 8, roles) == 32 * 2_523_136
