"""Published guides decided these situations; the recommendation has to agree with nearly all of them."""

import pytest
from scenarios import GIVEN, OWN, judge, read_scenarios

from advisor import Needs, hardware_with_vram, recommend


@pytest.mark.skipif(not GIVEN.is_file(), reason=f"no {GIVEN.name} beside the repository")
def test_the_best_option_agrees_with_at_least_24_of_26_published_decisions():
    judged = [judge(scenario) for scenario in read_scenarios(GIVEN)]
    missed = [row.id for row in judged if not row.agrees]
    assert len(judged) == 26
    assert len(missed) <= 2, missed


@pytest.mark.parametrize(("batch", "most_missed"), [(1, 1), (2, 3)])
def test_the_best_option_agrees_with_guides_that_were_read_for_this_project(batch, most_missed):
    judged = [judge(scenario) for scenario in read_scenarios(OWN) if scenario["batch"] == batch]
    missed = [row.id for row in judged if not row.agrees]
    assert len(judged) >= 24
    assert len(missed) <= most_missed, missed


def test_every_own_situation_names_the_guide_that_decided_it():
    for scenario in read_scenarios(OWN):
        assert scenario["url"].startswith("https://") and scenario["source"] and scenario["paraphrase"]


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


@pytest.mark.parametrize("hardware", [None, hardware_with_vram(24)], ids=["unknown machine", "24 GiB"])
@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_situations_lead_where_the_textbook_leads(name, hardware):
    needs, strategy = CLASSIC[name]
    assert recommend(hardware, None, needs).best.strategy == strategy
