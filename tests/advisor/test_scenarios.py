"""Published guides decided these situations; the recommendation has to agree with nearly all of them."""

import json
from pathlib import Path

import pytest

from advisor import Hardware, Needs, hardware_with_vram, recommend
from advisor.schema import Option, Recommendation

SCENARIOS = Path(__file__).parents[3] / "shared" / "facts" / "scenarios.jsonl"

# What the file calls its facts -> Needs. Facts that are not here are wording of others or of no consequence.
RENAMED = {"knowledge_vs_behaviour": "gap", "task_type": "task"}
SAME = {
    "constraint",
    "domain_language",
    "instructions_fit_prompt",
    "labelled_examples",
    "model_params_b",
    "prompting_sufficient",
    "prompting_tried",
    "rag_sufficient",
    "rag_tried",
    "style_or_format_task",
}
DAYS = {"daily": 1.0, "weekly": 7.0, "monthly": 30.0, "rare": 365.0, "static": 1000.0}


def needs_of(facts: dict) -> Needs:
    values = {RENAMED.get(key, key): value for key, value in facts.items() if key in RENAMED or key in SAME}
    if "update_frequency" in facts:
        values["update_days"] = DAYS[facts["update_frequency"]]
    return Needs(**values)


def hardware_of(facts: dict) -> Hardware | None:
    return hardware_with_vram(facts["vram_gb"]) if "vram_gb" in facts else None


def names_of(option: Option) -> set[str]:
    """How a guide would call the option: its strategy and, where it tunes alone, its method."""
    method = {"full": "full_finetune"}.get(option.method, option.method)
    return {option.strategy, method} if option.strategy == "finetune" else {option.strategy}


def judged(scenario: dict, recommendation: Recommendation) -> Option:
    """The destination; where the question was only how to train, the best way to train."""
    if scenario["decides"] != "ft_method":
        return recommendation.best
    return next(o for o in recommendation.options if o.strategy == "finetune" and o.rejected is None)


def agrees(scenario: dict) -> bool:
    facts = scenario["facts"]
    option = judged(scenario, recommend(hardware_of(facts), None, needs_of(facts)))
    against = {*scenario["label_not"]} - ({"finetune"} if scenario["decides"] == "ft_method" else set())
    return bool(names_of(option) & {*scenario["label"]}) and not names_of(option) & against


@pytest.mark.skipif(not SCENARIOS.is_file(), reason=f"no scenarios at {SCENARIOS.name} beside the repository")
def test_the_recommendation_agrees_with_at_least_24_of_26_published_decisions():
    scenarios = [json.loads(line) for line in SCENARIOS.read_text("utf-8").splitlines() if line.strip()]

    missed = [scenario["id"] for scenario in scenarios if not agrees(scenario)]

    assert len(scenarios) == 26
    assert len(missed) <= 2, missed


CLASSIC = {
    "live news": (Needs(task="qa", gap="knowledge", update_days=1), "rag"),
    "product support": (Needs(task="qa", gap="knowledge", update_days=30), "rag"),
    "legal library": (Needs(task="qa", gap="knowledge", needs_citations=True, domain_language=True), "rag"),
    "research-report style": (
        Needs(task="report_generation", gap="behaviour", style_or_format_task=True, update_days=1000),
        "finetune",
    ),
    "sentiment": (Needs(task="classification", labelled_examples=5000), "finetune"),
    "code completion": (Needs(task="code_completion", gap="behaviour", latency_sensitive=True), "finetune"),
    "literary style": (Needs(task="style", style_or_format_task=True, update_days=1000), "finetune"),
    "technical translation": (
        Needs(task="translation", domain_language=True, labelled_examples=2000, update_days=365),
        "finetune",
    ),
}


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_situations_lead_where_the_textbook_leads(name):
    needs, strategy = CLASSIC[name]
    assert recommend(hardware_with_vram(24), None, needs).best.strategy == strategy
