import answers_found
import profile_accuracy
import pytest


def case(**changed):
    told = {"suffix": ".md", "language": "en", "letters": 1.0, "estimated": 90.0, "minilm": 100, "qwen": 120}
    return profile_accuracy.Case(**{**told, **changed})


def test_estimates_are_compared_by_sum_and_by_file() -> None:
    line = profile_accuracy.row("md en", [case(), case(estimated=150.0)])
    assert line == "| md en | 2 | 1.00 | 1.00 | 25% | 1.20 | 30% |"


def test_without_the_second_vocabulary_its_columns_stay_empty() -> None:
    assert profile_accuracy.row("md en", [case(qwen=None)]) == "| md en | 1 | 1.00 |  |  | 0.90 | 10% |"


def test_the_table_names_the_files_on_which_profile_and_loaders_disagree() -> None:
    text = profile_accuracy.section([case(), case(language="zh")], 9, ["odd.pdf"])
    assert "agree on 8 of 9 files; not on odd.pdf." in text
    assert text.index("| md en |") < text.index("| md zh |") < text.index("| all en |")


@pytest.mark.parametrize(
    ("text", "language"), [("Rates rise.", "en"), ("利率上升", "zh"), ("Ставки растут", "other")]
)
def test_texts_are_sorted_by_script(text: str, language: str) -> None:
    assert profile_accuracy.language_of(text) == language


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.9, "knowledge"), (0.3, "open"), (0.02, "behaviour"), (None, "nothing")]
)
def test_a_share_speaks_for_a_gap(share: float | None, verdict: str) -> None:
    assert answers_found.verdict(answers_found.Found("set", "stand", share, 9, 0.1)) == verdict


def test_what_went_as_expected_is_counted() -> None:
    results = [answers_found.Found(name, "stand", share, 9, 0.1) for name, share in (("a", 0.9), ("b", 0.1))]
    text = answers_found.section(results)
    assert "As expected: 1 of 2." in text
    assert "| a | stand | 0.90 | 9 | knowledge | 0.10 |" in text
