import pytest

from advisor import Needs, needs_from_dict, recommend
from advisor.contradictions import contradictions

PAIRS = [
    ({"prompting_tried": False, "prompting_sufficient": True}, "prompting_tried is false and prompting_suff"),
    ({"rag_tried": False, "rag_sufficient": False}, "rag_tried is false and rag_sufficient is false"),
    ({"gap": "none", "prompting_sufficient": False}, "gap is 'none' and prompting_sufficient is false"),
    ({"instructions_fit_prompt": False, "prompting_sufficient": True}, "instructions_fit_prompt is false and"),
    ({"latency_sensitive": False, "latency_ms": 200}, "latency_sensitive is false and latency_ms is 200"),
    ({"corpus_tokens": 0, "needs_citations": True}, "corpus_tokens is 0 and needs_citations is true"),
    ({"corpus_tokens": 0, "per_document_access": True}, "corpus_tokens is 0 and per_document_access is true"),
    ({"model": "Qwen2.5-7B", "model_params_b": 70}, "model is 'Qwen2.5-7B' and model_params_b is 70"),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "line"), PAIRS)
def test_answers_that_exclude_each_other_are_refused_with_both_keys_and_values(answers, line):
    with pytest.raises(ValueError, match="change one of them or leave it out") as refused:
        needs_from_dict(answers)
    assert line in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(("answers", "line"), PAIRS)
def test_one_of_two_contradicting_answers_alone_is_fine(answers, line):
    for key, value in answers.items():
        assert contradictions(needs_from_dict({key: value})) == ()


def test_a_recommendation_on_contradicting_answers_is_not_sure_and_says_why():
    needs = Needs(prompting_tried=False, prompting_sufficient=True, gap="knowledge", update_days=1)
    plan = recommend(None, None, needs)
    assert plan.confidence == "low"
    assert "what was not tried cannot be judged" in plan.confidence_because


def test_a_size_near_the_named_model_is_no_contradiction():
    assert contradictions(Needs(model="Qwen2.5-7B", model_params_b=7)) == ()


def test_room_for_one_method_where_two_are_missing_is_a_note_and_no_contradiction():
    needs = Needs(gap="both", only_one_method=True)
    assert contradictions(needs) == ()
    plan = recommend(None, None, needs)
    hybrid = next(option for option in plan.options if option.strategy == "hybrid")
    assert "one stays missing" in hybrid.rejected
