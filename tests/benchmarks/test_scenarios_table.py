from dataclasses import replace

from scenarios import OWN, judge, read_scenarios, section


def test_the_summary_counts_agreements_and_lists_what_disagrees() -> None:
    rows = [judge(scenario) for scenario in list(read_scenarios(OWN))[:3]]
    missed = replace(rows[0], agrees=False)
    text = section([], [missed, *rows[1:]])
    assert "| own, batch 1 | 2 | 3 |" in text
    assert f"| {missed.id} | {missed.description} |" in text and "NO" in text


def test_without_the_given_situations_only_the_own_ones_are_counted() -> None:
    text = section([], [judge(scenario) for scenario in list(read_scenarios(OWN))[:1]])
    assert "given with the task" not in text and "No disagreement." in text
