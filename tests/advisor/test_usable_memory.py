import pytest

from advisor.catalog import cards, find_card, read_facts
from advisor.usable_memory import usable_gib, usable_span_gib


@pytest.mark.parametrize("row", read_facts("usable"), ids=lambda row: row["name"])
def test_every_row_is_of_a_catalogued_card_plausible_and_has_a_source(row):
    card = find_card(row["name"])
    assert card is not None and card.name == row["name"] and row["source"] and row["date"]
    share = row["gib"] / card.vram_gib
    # error correction takes a sixteenth, the driver up to 3 % of the rest
    assert (0.9 < share < 0.9375) if row.get("ecc") else (0.96 < share < 1)


def test_no_card_gives_all_that_is_printed_on_it():
    assert all(0.9 < usable_gib(card) / card.vram_gib < 1 for card in cards())


def test_a_card_that_is_not_listed_is_counted_as_the_stingiest_of_its_kind():
    card = find_card("RTX 3060")
    assert usable_gib(card) / card.vram_gib == pytest.approx(7.75 / 8)


def test_the_span_of_a_printed_size_holds_the_cards_of_this_size():
    low, high = usable_span_gib(24)
    sizes = [usable_gib(card) for card in cards() if card.vram_gib == 24]
    assert low <= min(sizes) and max(sizes) <= high < 24
