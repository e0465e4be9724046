from pathlib import Path

import pytest

from rag.asked import asked_words
from rag.refusal import CALIBRATION, Judge, read_judges, write_judges


def judge(**weights: float) -> Judge:
    return Judge(threshold=0.5, hopeless=0.1, intercept=-2.0, weights=weights)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    judges = {"aligned": judge(met=3.25, near=1.5), "lexical": judge(met=4.125)}
    write_judges(judges, {"date": "2026-01-02"}, tmp_path / "refusal.toml")
    assert read_judges(tmp_path / "refusal.toml") == judges


def test_the_shipped_calibration_is_what_the_script_writes(tmp_path: Path) -> None:
    shipped = CALIBRATION.read_text("utf-8")
    head = dict(line.split(" = ", 1) for line in shipped.split("\n\n")[0].splitlines()[1:])
    write_judges(
        read_judges(), {key: value.strip('"') for key, value in head.items()}, tmp_path / "again.toml"
    )
    assert (tmp_path / "again.toml").read_text("utf-8") == shipped


def test_each_shipped_judge_has_a_threshold_above_what_is_hopeless() -> None:
    assert set(read_judges()) == {"aligned", "lexical", "read"}
    for found in read_judges().values():
        assert 0 < found.hopeless < found.threshold < 1


def test_no_sentence_that_meets_more_of_a_question_counts_less() -> None:
    for found in read_judges().values():
        assert all(weight < 0 if name == "worst" else weight > 0 for name, weight in found.weights.items())


def test_more_of_a_feature_gives_more_support() -> None:
    assert judge(met=3.0).support({"met": 0.2}) < judge(met=3.0).support({"met": 0.9})


def test_a_feature_that_is_not_given_is_named() -> None:
    with pytest.raises(KeyError, match="near"):
        judge(near=1.0).support({"met": 0.2})


def test_an_everyday_chinese_word_weighs_less_than_a_rare_one_that_is_missing_too() -> None:
    weights = {word.text: word.weight for word in asked_words("现在锂辉石", lambda word: 5.0)}
    assert weights["现在"] < 0.8 * max(weights.values())
