from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import Hardware, Needs, detect_hardware, hardware_with_vram, profile_data, recommend
from advisor.wording import option_name

RETRIEVES = {"rag", "hybrid", "long_context"}
TUNES_ALONE = {"finetune", "continued_pretraining"}
TUNES = {"finetune", "hybrid", "continued_pretraining"}
MAYBE = st.sampled_from([None, True, False])


def options(recommendation):
    return {(o.strategy, o.method): o for o in recommendation.options}


def possible(recommendation):
    return {key for key, option in options(recommendation).items() if option.rejected is None}


@st.composite
def any_needs(draw):
    return Needs(
        task=draw(st.sampled_from([None, "qa", "classification", "style", "nl_to_query", "translation"])),
        gap=draw(st.sampled_from([None, "knowledge", "behaviour", "both", "none"])),
        style_or_format_task=draw(MAYBE),
        domain_language=draw(MAYBE),
        update_days=draw(st.sampled_from([None, 1.0, 7.0, 30.0, 365.0, 1000.0])),
        labelled_examples=draw(st.sampled_from([None, 0, 60, 300, 5000])),
        needs_citations=draw(MAYBE),
        prompting_sufficient=draw(MAYBE),
        latency_sensitive=draw(MAYBE),
        corpus_tokens=draw(st.sampled_from([None, 10_000, 150_000, 10_000_000])),
        large_behaviour_shift=draw(MAYBE),
        constraint=draw(st.sampled_from([None, "gpu_memory", "training_speed"])),
        language=draw(st.sampled_from([None, "en", "both"])),
    )


@settings(max_examples=60, deadline=None)
@given(any_needs(), st.floats(1, 200), st.floats(0, 200))
def test_more_vram_never_removes_an_option_or_worsens_the_best(needs, vram_gib, more_gib):
    machine = Hardware(ram_gib=32.0)
    small = recommend(hardware_with_vram(vram_gib, machine), None, needs)
    large = recommend(hardware_with_vram(vram_gib + more_gib, machine), None, needs)
    assert possible(small) <= possible(large)
    assert large.best.score >= small.best.score


@settings(max_examples=40, deadline=None)
@given(any_needs(), st.floats(1, 200))
def test_a_card_never_removes_what_the_cpu_can_do(needs, vram_gib):
    machine = Hardware(ram_gib=32.0, cpu_cores=8)
    without = recommend(machine, None, needs)
    assert possible(without) <= possible(recommend(hardware_with_vram(vram_gib, machine), None, needs))


@settings(max_examples=60, deadline=None)
@given(any_needs(), st.floats(0.1, 2000), st.floats(0.1, 2000))
def test_more_frequent_updates_never_move_from_retrieval_to_pure_tuning(needs, one, two):
    slow = recommend(None, None, replace(needs, update_days=max(one, two)))
    fast = recommend(None, None, replace(needs, update_days=min(one, two)))
    if slow.best.strategy in RETRIEVES:
        assert fast.best.strategy not in TUNES_ALONE


@settings(max_examples=60, deadline=None)
@given(any_needs(), st.integers(0, 5000), st.integers(0, 5000))
def test_more_labels_never_remove_tuning(needs, one, two):
    few = recommend(None, None, replace(needs, labelled_examples=min(one, two)))
    many = recommend(None, None, replace(needs, labelled_examples=max(one, two)))
    assert possible(few) <= possible(many)
    if few.best.strategy in TUNES:
        assert many.best.strategy in TUNES


def test_lora_is_preferred_where_there_is_room_and_qlora_where_there_is_none():
    needs = Needs(gap="behaviour", model="Qwen2.5-7B")
    assert recommend(hardware_with_vram(24), None, needs).best.method == "qlora"
    assert recommend(hardware_with_vram(80), None, needs).best.method == "lora"


def test_full_tuning_on_24_gib_is_rejected_with_both_figures():
    full = options(recommend(hardware_with_vram(24), None, Needs()))["finetune", "full"]
    assert full.fits is False
    assert "needs 118" in full.rejected and "the card has 24 GiB" in full.rejected


def test_a_large_shift_with_room_for_it_is_tuned_in_full():
    needs = Needs(gap="behaviour", large_behaviour_shift=True, labelled_examples=5000)
    assert recommend(hardware_with_vram(141), None, needs).best.method == "full"


def test_on_a_small_card_a_smaller_model_stands_in_and_the_report_says_so():
    best = recommend(hardware_with_vram(8), None, Needs(gap="behaviour")).best
    assert best.method == "qlora"
    assert "1.5B" in best.model
    assert any(reason.rule == "smaller_model" for reason in best.against)


def test_without_a_card_what_runs_on_the_cpu_is_planned():
    best = recommend(Hardware(ram_gib=16.0, cpu_cores=4), None, Needs(gap="behaviour")).best
    assert best.device == "cpu"
    assert "0.5B" in best.model


def test_an_unknown_machine_leaves_fit_open():
    recommendation = recommend(None, None, Needs(gap="behaviour"))
    assert {option.fits for option in recommendation.options} == {None}


def test_every_reason_names_its_source_and_weighs_on_the_score():
    for option in recommend(hardware_with_vram(24), None, Needs(gap="both", update_days=7)).options:
        reasons = [*option.reasons, *option.against]
        assert all(reason.source and reason.text.endswith(".") for reason in reasons)
        assert option.score == pytest.approx(sum(reason.weight for reason in reasons), abs=0.01)


def test_questions_and_answers_that_stand_in_documents_lead_to_retrieval(documents, qa_file):
    recommendation = recommend(hardware_with_vram(24), profile_data(documents, qa_file), Needs())
    assert recommendation.best.strategy == "rag"
    assert recommendation.needs.gap == "knowledge"
    assert "67% of the answers stand in your documents" in recommendation.learned["gap"]
    assert any("read from your data" in reason.text for reason in recommendation.best.reasons)
    assert recommendation.next_command == f"advisor index {documents} --out build/index"


def test_an_answer_of_the_user_is_never_overruled_by_the_data(documents, qa_file):
    recommendation = recommend(None, profile_data(documents, qa_file), Needs(gap="behaviour"))
    assert recommendation.needs.gap == "behaviour"
    assert "gap" not in recommendation.learned


def test_labelled_texts_lead_to_a_small_encoder(tmp_path, write_rows):
    rows = [{"text": f"Profit up {n} percent", "label": "positive"} for n in range(250)]
    file = write_rows(tmp_path / "headlines.jsonl", rows)
    recommendation = recommend(detect_hardware(), profile_data(None, file), Needs())
    assert (recommendation.best.strategy, recommendation.best.method) == ("finetune", "lora")
    assert recommendation.next_command == (
        f"advisor train {file} --method lora --objective classify --model minilm --out build/adapter"
    )


def test_chinese_labels_get_an_encoder_that_reads_chinese(tmp_path, write_rows):
    rows = [{"text": f"净利润增长百分之{n}", "label": "利好"} for n in range(250)]
    data = profile_data(None, write_rows(tmp_path / "headlines.jsonl", rows))
    assert recommend(None, data, Needs()).best.model == "FacebookAI/xlm-roberta-base"


def test_a_hybrid_is_indexed_trained_and_asked_in_this_order():
    recommendation = recommend(hardware_with_vram(24), None, Needs(gap="both", labelled_examples=2000))
    assert [line.split()[1] for line in recommendation.commands] == ["index", "train", "ask"]
    assert "--method qlora --model Qwen/Qwen2.5-7B-Instruct" in recommendation.commands[1]


def test_a_first_step_is_named_until_prompting_was_tried():
    assert "plain prompt" in recommend(None, None, Needs()).first_step
    assert recommend(None, None, Needs(prompting_tried=True)).first_step is None


def test_counterfactuals_come_true_when_they_are_tried():
    needs = Needs(gap="both", labelled_examples=20)
    recommendation = recommend(hardware_with_vram(24), None, needs)
    line = next(line for line in recommendation.would_change if "knowledge" in line)
    other = recommend(hardware_with_vram(24), None, replace(needs, gap="knowledge"))
    assert line.startswith("If what is missing were knowledge: ")
    assert option_name(other.best) in line.split(" instead of ")[0]


def test_a_larger_card_changes_the_way_to_train_and_the_size_is_named():
    lines = recommend(hardware_with_vram(24), None, Needs(gap="behaviour")).would_change
    line = next(line for line in lines if line.startswith("With a card of"))
    size = float(line.split()[4])
    assert "LoRA" in line
    assert recommend(hardware_with_vram(size), None, Needs(gap="behaviour")).best.method == "lora"


def test_confidence_falls_with_what_is_unknown():
    sure = recommend(None, None, Needs(gap="knowledge", update_days=1, prompting_sufficient=False))
    unsure = recommend(None, None, Needs())
    assert (sure.confidence, unsure.confidence) == ("high", "low")
    assert "gap" in unsure.unanswered and "gap" not in sure.unanswered


def test_a_corpus_beyond_the_window_cannot_stand_in_the_prompt():
    rejected = options(recommend(None, None, Needs(corpus_tokens=10_000_000)))[
        "long_context", "none"
    ].rejected
    assert "10,000,000 tokens" in rejected


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Unknown model 'Qwen2.5-9B'; nearest"):
        recommend(None, None, Needs(model="Qwen2.5-9B"))


@pytest.mark.parametrize(
    "hardware", [None, Hardware(ram_gib=16.0), hardware_with_vram(24), hardware_with_vram(141)]
)
def test_where_nothing_is_known_nobody_is_told_to_train(hardware):
    assert recommend(hardware, None, Needs()).best.strategy == "prompt_only"
