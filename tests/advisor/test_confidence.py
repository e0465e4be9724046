from advisor import Needs, hardware_with_vram, recommend


def test_confidence_falls_with_what_is_unknown():
    sure = recommend(None, None, Needs(gap="knowledge", update_days=1, prompting_sufficient=False))
    unsure = recommend(None, None, Needs())
    assert (sure.confidence, unsure.confidence) == ("high", "low")
    assert "gap" in unsure.unanswered and "gap" not in sure.unanswered


def test_the_question_that_would_move_the_answer_most_is_named_with_its_outcomes():
    because = recommend(None, None, Needs()).confidence_because
    assert '"What does a good general model lack for it?"' in because
    assert "Knowledge: retrieval (RAG)" in because and "Both: retrieval and fine-tuning, LoRA" in because


def test_a_small_margin_is_said_with_the_runner_up():
    plan = recommend(None, None, Needs(gap="knowledge", corpus_tokens=120_000))
    assert plan.confidence == "low"
    assert plan.confidence_because.startswith("It is 0.4 points ahead of retrieval (RAG)")


def test_a_narrow_lead_is_shown_as_a_near_tie_with_what_separates_both():
    plan = recommend(None, None, Needs(gap="knowledge", corpus_tokens=120_000))
    (tie,) = plan.near_ties
    assert tie.startswith("retrieval (RAG) is 0.4 points behind all documents in the prompt.")
    assert "could stand in the prompt as a whole" in tie


def test_a_clear_answer_has_no_near_tie():
    assert recommend(None, None, Needs(gap="behaviour", style_or_format_task=True)).near_ties == ()


def test_open_questions_that_could_turn_nothing_are_not_asked():
    needs = Needs(prompting_sufficient=True, gap="none", needs_citations=False)
    plan = recommend(hardware_with_vram(24), None, needs)
    assert "cost_sensitive" not in plan.unanswered and "privacy" not in plan.unanswered
