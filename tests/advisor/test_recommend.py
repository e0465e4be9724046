import re
from dataclasses import replace

import pytest

from advisor import (
    DataProfile,
    ExampleProfile,
    Hardware,
    Needs,
    detect_hardware,
    hardware_with_vram,
    profile_data,
    recommend,
)
from advisor.cost import Prices
from advisor.wording import option_name

PAIRS = ExampleProfile(
    rows=900, kind="qa", layout="preference", p50_tokens=200, p95_tokens=300, max_tokens=400
)
THUMBS = replace(PAIRS, layout="thumbs")


def options(recommendation):
    return {(o.strategy, o.method): o for o in recommendation.options}


def examples_only(rows):
    return DataProfile(files=0, size_bytes=0, formats={}, tokens=0, languages={}, examples=rows)


def test_lora_is_preferred_where_there_is_room_and_qlora_where_there_is_none():
    needs = Needs(gap="behaviour", model="Qwen2.5-7B")
    assert recommend(hardware_with_vram(24), None, needs).best.method == "qlora"
    assert recommend(hardware_with_vram(80), None, needs).best.method == "lora"


def test_full_tuning_on_24_gib_is_rejected_with_both_figures():
    full = options(recommend(hardware_with_vram(24), None, Needs()))["finetune", "full"]
    assert full.fits is False
    assert re.search(r"needs 11\d\.\d GiB", full.rejected) and "the card has 24 GiB" in full.rejected


def test_several_cards_share_what_one_cannot_hold():
    needs = Needs(gap="behaviour", large_behaviour_shift=True, labelled_examples=5000)
    assert options(recommend(hardware_with_vram(48), None, needs))["finetune", "full"].rejected
    eight = recommend(hardware_with_vram(48, count=8), None, needs)
    assert (eight.best.strategy, eight.best.method) == ("finetune", "full")
    note, command = eight.commands[:2]
    assert note == "# Each card holds a part of the model (FSDP); accelerate starts a process for each:"
    assert command.startswith(
        "accelerate launch --use_fsdp --fsdp_version 2 --num_processes 8 -m apps.cli train"
    )
    assert eight.next_command == command


def test_a_large_shift_with_room_for_it_is_tuned_in_full():
    needs = Needs(gap="behaviour", large_behaviour_shift=True, labelled_examples=5000)
    assert recommend(hardware_with_vram(141), None, needs).best.method == "full"


def test_on_a_small_card_a_smaller_model_stands_in_and_the_report_says_so():
    best = recommend(hardware_with_vram(6), None, Needs(gap="behaviour")).best
    assert best.model != recommend(hardware_with_vram(80), None, Needs(gap="behaviour")).best.model
    assert any(reason.rule == "smaller_model" for reason in best.against)


def test_without_a_card_what_runs_on_the_cpu_is_planned():
    best = recommend(Hardware(ram_gib=16.0, cpu_cores=4), None, Needs(gap="behaviour")).best
    assert best.device == "cpu"
    assert "0.5B" in best.model


def test_an_unknown_machine_leaves_fit_time_and_cost_open():
    for option in recommend(None, None, Needs(gap="behaviour")).options:
        assert (option.fits, option.time, option.cost) == (None, None, None)


def test_the_card_named_in_the_needs_stands_in_for_an_unknown_machine():
    plan = recommend(None, None, Needs(gap="behaviour", vram_gib=24.0, gpus=2))
    assert [gpu.vram_gib for gpu in plan.hardware.gpus] == [24.0, 24.0]
    assert plan.best.fits


def test_the_machine_at_hand_wins_over_the_card_in_the_needs():
    plan = recommend(hardware_with_vram(80), None, Needs(gap="behaviour", vram_gib=8.0))
    assert plan.hardware.vram_gib == 80


def test_time_and_cost_are_told_for_what_the_machine_can_do():
    plan = options(recommend(hardware_with_vram(24), None, Needs(gap="both", labelled_examples=2000)))
    hybrid, rag = plan["hybrid", "qlora"], plan["rag", "none"]
    assert 0 < hybrid.time.low_hours < hybrid.time.hours < hybrid.time.high_hours
    assert rag.time.hours < hybrid.time.hours
    assert rag.cost.retrieved_tokens > 0 and rag.cost.per_1000_queries_usd > 0
    assert plan["finetune", "full"].time is None


def test_prices_of_an_api_give_a_cost_on_an_unknown_machine():
    prices = Prices(usd_per_m_input=1.0, usd_per_m_output=4.0)
    best = recommend(None, None, Needs(gap="knowledge"), prices=prices).best
    assert best.cost.hosted == "api" and best.cost.per_1000_queries_usd == pytest.approx(2.32, abs=0.01)


def test_outcomes_that_were_measured_stand_beside_their_strategy():
    for option in recommend(None, None, Needs()).options:
        assert option.evidence
        assert all({option.strategy, option.method} & {*row.about} for row in option.evidence)


def test_questions_and_answers_that_stand_in_documents_lead_to_retrieval(documents, qa_file):
    recommendation = recommend(hardware_with_vram(24), profile_data(documents, qa_file), Needs())
    assert recommendation.best.strategy == "rag"
    assert recommendation.needs.gap == "knowledge"
    assert "of the answers stand in your documents" in recommendation.learned["gap"]
    assert any("read from your data" in reason.text for reason in recommendation.best.reasons)
    assert recommendation.next_command == f"advisor index {documents} --out build/index"


def test_an_answer_of_the_user_is_never_overruled_by_the_data(documents, qa_file):
    recommendation = recommend(None, profile_data(documents, qa_file), Needs(gap="behaviour"))
    assert recommendation.needs.gap == "behaviour"
    assert "gap" not in recommendation.learned


def test_labelled_texts_lead_to_a_small_encoder(tmp_path, write_rows):
    rows = [{"text": f"Profit up {n} percent", "label": "positive"} for n in range(250)]
    file = write_rows(tmp_path / "headlines.jsonl", rows)
    recommendation = recommend(detect_hardware(cards=False), profile_data(None, file), Needs())
    assert (recommendation.best.strategy, recommendation.best.method) == ("finetune", "lora")
    assert recommendation.next_command == (
        f"advisor train {file} --method lora --objective classify --model minilm --out build/adapter"
    )


def test_chinese_labels_get_an_encoder_that_reads_chinese(tmp_path, write_rows):
    rows = [{"text": f"净利润增长百分之{n}", "label": "利好"} for n in range(250)]
    data = profile_data(None, write_rows(tmp_path / "headlines.jsonl", rows))
    assert recommend(None, data, Needs()).best.model == "FacebookAI/xlm-roberta-base"


def test_few_labels_train_a_head_on_frozen_features():
    plan = recommend(None, None, Needs(task="classification", gap="behaviour", labelled_examples=100))
    assert (plan.best.strategy, plan.best.method) == ("finetune", "features")
    assert plan.next_command.startswith("advisor train pairs.jsonl --method features --objective classify")


def test_preference_pairs_bring_dpo_as_a_second_stage():
    plan = recommend(None, examples_only(PAIRS), Needs(gap="behaviour"))
    assert plan.needs.preference_pairs == 900 and plan.needs.labelled_examples is None
    assert plan.best.method == "dpo"
    first, second = [line for line in plan.commands if line.startswith("advisor train")]
    assert first.endswith("--out build/sft")
    assert second.endswith("--objective dpo --adapter build/sft --out build/adapter")


def test_marked_answers_bring_kto_and_nothing_else_does():
    assert recommend(None, examples_only(THUMBS), Needs(gap="behaviour")).best.method == "kto"
    assert {o.method for o in recommend(None, None, Needs()).options}.isdisjoint({"dpo", "kto", "features"})


def test_a_hybrid_is_indexed_trained_and_asked_in_this_order():
    recommendation = recommend(hardware_with_vram(24), None, Needs(gap="both", labelled_examples=2000))
    assert [line.split()[1] for line in recommendation.commands] == ["index", "train", "ask"]
    assert "--method qlora --model Qwen/Qwen2.5-7B-Instruct" in recommendation.commands[1]


def test_documents_that_fit_the_prompt_are_asked_with_every_passage():
    plan = recommend(None, None, Needs(gap="knowledge", corpus_tokens=18_000))
    assert plan.best.strategy == "long_context"
    assert [line.split()[1] for line in plan.commands] == ["index", "ask"]
    assert " -k 200 " in plan.commands[1]


def test_a_first_step_is_named_until_prompting_was_tried():
    assert "plain prompt" in recommend(None, None, Needs()).first_step
    assert recommend(None, None, Needs(prompting_tried=True)).first_step is None


def test_counterfactuals_come_true_when_they_are_tried():
    needs = Needs(gap="both", labelled_examples=2000, update_days=7.0)
    lines = recommend(hardware_with_vram(24), None, needs).would_change
    line = next(line for line in lines if line.startswith("If what is missing were knowledge: "))
    other = recommend(hardware_with_vram(24), None, replace(needs, gap="knowledge"))
    assert option_name(other.best) in line.split(" instead of ")[0]


@pytest.mark.parametrize("labels", [0, 20])
def test_the_number_of_examples_that_turns_the_answer_is_exact(labels):
    needs = Needs(gap="both", labelled_examples=labels)
    line = next(x for x in recommend(None, None, needs).would_change if x.startswith("From "))
    count = int(line.split()[1].replace(",", ""))
    before, after = (
        recommend(None, None, replace(needs, labelled_examples=n)).best for n in (count - 1, count)
    )
    assert (before.strategy, after.strategy) == ("rag", "hybrid")


def test_how_often_documents_may_change_is_found_to_the_day():
    lines = recommend(None, None, Needs(gap="behaviour")).would_change
    line = next(line for line in lines if line.startswith("If the documents changed every"))
    days = float(line.split()[5])
    strategies = [
        recommend(None, None, Needs(gap="behaviour", update_days=d)).best.strategy for d in (days, days + 1)
    ]
    assert strategies == ["hybrid", "finetune"]


def test_a_larger_card_changes_the_way_to_train_and_the_size_is_named():
    lines = recommend(hardware_with_vram(24), None, Needs(gap="behaviour")).would_change
    line = next(line for line in lines if line.startswith("With a card of"))
    size = float(line.split()[4])
    assert "LoRA" in line
    methods = [
        recommend(hardware_with_vram(s), None, Needs(gap="behaviour")).best.method for s in (size - 0.2, size)
    ]
    assert methods == ["qlora", "lora"]


def test_a_corpus_beyond_what_a_prompt_takes_cannot_stand_in_it():
    found = options(recommend(None, None, Needs(corpus_tokens=10_000_000)))
    assert "10,000,000 tokens" in found["long_context", "none"].rejected


def test_a_named_model_that_reads_too_little_cannot_hold_the_documents():
    needs = Needs(gap="knowledge", corpus_tokens=150_000, model="Qwen2.5-7B")
    assert (
        "Qwen2.5-7B-Instruct reads 32,768"
        in options(recommend(None, None, needs))["long_context", "none"].rejected
    )


def test_a_named_encoder_labels_texts_and_writes_no_answers():
    plan = recommend(hardware_with_vram(24), None, Needs(task="classification", model="minilm"))
    assert (plan.best.strategy, plan.best.method) == ("finetune", "lora")
    assert "is an encoder" in options(plan)["prompt_only", "none"].rejected
    asking = options(recommend(hardware_with_vram(24), None, Needs(task="qa", model="minilm")))
    assert "is an encoder" in asking["finetune", "lora"].rejected
    assert asking["rag", "none"].rejected is None


def test_data_that_may_not_leave_rules_out_a_model_elsewhere_but_never_quoting():
    tiny = Hardware(ram_gib=1.0, cpu_cores=2)
    inside = options(recommend(tiny, None, Needs(privacy="air_gapped")))
    assert "may not leave" in inside["prompt_only", "none"].rejected
    assert inside["rag", "none"].rejected is None
    assert options(recommend(tiny, None, Needs(privacy="any")))["prompt_only", "none"].rejected is None


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Unknown model 'Qwen2.5-9B'; nearest"):
        recommend(None, None, Needs(model="Qwen2.5-9B"))


@pytest.mark.parametrize(
    "hardware", [None, Hardware(ram_gib=16.0), hardware_with_vram(24), hardware_with_vram(141)]
)
def test_where_nothing_is_known_nobody_is_told_to_train(hardware):
    assert recommend(hardware, None, Needs()).best.strategy == "prompt_only"


def test_who_asks_about_training_alone_is_told_how_to_train_with_little_confidence():
    plan = recommend(hardware_with_vram(24), None, Needs(model_params_b=7))
    assert plan.best.strategy == "finetune" and plan.confidence == "low"
    told = Needs(model_params_b=7, task="qa", gap="knowledge")
    assert recommend(hardware_with_vram(24), None, told).best.strategy == "rag"
