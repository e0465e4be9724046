"""What judges sampled answers is named in one way, and says what is wrong with it in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.rewards import check_reward, load_reward

ASKED = [({"role": "user", "content": "Which?"},), ({"role": "user", "content": "Where?"},)]


def test_a_function_sees_the_conversation_and_the_answer() -> None:
    assert load_reward("sampled_rewards:of_question")(ASKED, ["This.", "There."]) == [1.0, 0.0]
    assert load_reward("sampled_rewards:letters")(ASKED, ["ab", "a1"]) == [1.0, 0.5]


def test_a_function_is_found_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_judge.py").write_text(
        "def grade(rows):\n    return [len(row['answer']) for row in rows]\n"
    )
    monkeypatch.chdir(tmp_path)
    assert load_reward("my_judge:grade")(ASKED, ["four", ""]) == [4.0, 0.0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("too_few", "gave 1 numbers for 2 answers"),
        ("no_number", "gave nan for answer 2"),
        ("words", "gave 'good'; it must give a list of numbers"),
        ("broken", "failed: KeyError: 'grade'"),
    ],
)
def test_what_a_function_does_wrong_is_said_in_one_line(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load_reward(f"sampled_rewards:{name}")(ASKED, ["a", "b"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "No --reward named"),
        ("nowhere", "No reward model at 'nowhere'; give a reward model's folder or module:function"),
        ("a b:c", "is no module:function"),
        ("sampled_rewards:leters", "has no function 'leters'; it has .*letters"),
        ("no_such_module:f", "no_such_module cannot be imported"),
    ],
)
def test_a_judge_that_is_not_there_is_said_before_the_run(name: str | None, words: str) -> None:
    with pytest.raises((ValueError, OSError, ImportError), match=words):
        check_reward(name)
        load_reward(str(name))
