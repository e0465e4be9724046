import pytest

from advisor import Needs, hardware_with_vram
from advisor.decide import case_of
from advisor.ranking import standings
from advisor.thresholds import first_turn, leader_with, standings_with_card


@pytest.mark.parametrize("threshold", [1, 49, 50, 51, 199, 1000])
def test_the_exact_number_is_found_upwards(threshold):
    turn = first_turn(lambda value: value >= threshold, (0, 10, 100, 1000), lambda found: not found)
    assert turn is not None and turn.value == threshold


@pytest.mark.parametrize("threshold", [2, 7, 31, 400])
def test_the_exact_number_is_found_downwards(threshold):
    turn = first_turn(lambda value: value <= threshold, (2000, 625, 25, 1), lambda found: not found)
    assert turn is not None and turn.value == threshold


def test_tenths_are_found_as_well_and_the_search_ends():
    turn = first_turn(lambda value: value >= 40.46, (24.0, 32.0, 64.0), lambda found: not found, 0.1)
    assert turn is not None and turn.value == pytest.approx(40.5, abs=0.06)


def test_where_nothing_turns_there_is_no_threshold():
    assert first_turn(lambda value: False, (0, 10, 100), lambda found: not found) is None
    assert first_turn(lambda value: True, (0, 10, 100), lambda found: not found) is None


def test_the_best_way_is_asked_once_for_each_number():
    case = case_of(None, None, Needs(gap="behaviour"))
    leader = leader_with(case, "labelled_examples")
    assert leader(20) is leader(20)
    assert (leader(20).strategy, leader(5000).strategy) == ("prompt_only", "finetune")


def test_another_size_of_card_keeps_the_number_of_cards():
    case = case_of(hardware_with_vram(24, count=2), None, Needs(gap="behaviour"))
    trained = [way for way in standings_with_card(case)(100.0) if way.method == "full"]
    assert {way.placed.cards for way in trained if way.strategy == "finetune"} == {2}
    assert standings(case)[0].strategy == "finetune"
