import json
import typing
from dataclasses import fields

import pytest
from question_effect import effects

from advisor import QUESTIONS, Needs, needs_from_dict, read_needs
from advisor.schema import Constraint, Gap, Task


def test_every_need_has_its_question_and_every_question_its_need():
    assert {item.name for item in fields(Needs)} == {question.key for question in QUESTIONS}


@pytest.mark.parametrize(("key", "kind"), [("task", Task), ("gap", Gap), ("constraint", Constraint)])
def test_choices_are_those_of_the_schema(key, kind):
    question = next(question for question in QUESTIONS if question.key == key)
    assert {choice.value for choice in question.choices} == {*typing.get_args(kind)}


def test_questions_are_worded_in_both_languages():
    for question in QUESTIONS:
        assert question.text.isascii() and not question.text_zh.isascii()
        assert bool(question.help) == bool(question.help_zh)
        assert all(choice.label and choice.label_zh for choice in question.choices)


def test_questions_stand_in_the_order_of_how_much_they_move_the_answer():
    free = [
        question.key for question in QUESTIONS if question.key not in ("task", "prompting_tried", "rag_tried")
    ]
    found = effects(60)
    for earlier, later in zip(free, free[1:], strict=False):
        if earlier in found and later in found:
            assert found[earlier] > found[later] - 0.2, (earlier, later)


def test_a_trial_is_asked_for_before_its_result():
    keys = [question.key for question in QUESTIONS]
    assert keys.index("prompting_tried") + 1 == keys.index("prompting_sufficient")
    assert keys.index("rag_tried") + 1 == keys.index("rag_sufficient")


def test_answers_become_needs_and_gaps_stay_open():
    needs = needs_from_dict(
        {"gap": "both", "update_days": 7, "labelled_examples": 300, "task": None, "model": ""}
    )
    assert needs == Needs(gap="both", update_days=7.0, labelled_examples=300)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"updat_days": 3}, "Unknown need 'updat_days'; did you mean 'update_days'"),
        ({"gap": "skill"}, "gap is 'skill'; choose one of"),
        ({"needs_citations": "yes"}, "needs_citations is 'yes'; answer true or false"),
        ({"update_days": -1}, "update_days is -1; give a number"),
        ({"update_days": float("nan")}, "update_days is nan; give a number"),
        ({"labelled_examples": 2.5}, "labelled_examples is 2.5; give a whole number"),
        ({"labelled_examples": True}, "labelled_examples is True; give a number"),
        ({"model": 7}, "model is 7; give a name"),
        ({"gpus": 0}, "gpus is 0; give 1 or more"),
        ({"vram_gib": 0}, "vram_gib is 0; give a number"),
    ],
)
def test_an_answer_that_makes_no_sense_is_named(answers, message):
    with pytest.raises(ValueError, match=message):
        needs_from_dict(answers)


def test_needs_are_read_from_a_file(tmp_path):
    (tmp_path / "needs.json").write_text(json.dumps({"privacy": "air_gapped"}), "utf-8")
    assert read_needs(tmp_path / "needs.json").privacy == "air_gapped"
    (tmp_path / "bad.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match="is no JSON"):
        read_needs(tmp_path / "bad.json")
    with pytest.raises(FileNotFoundError, match="do not exist"):
        read_needs(tmp_path / "none.json")
