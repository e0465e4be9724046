import pytest

from advisor import MemoryEstimate
from advisor.memory_bar import bar, legend, shown_parts


@pytest.fixture
def memory():
    return MemoryEstimate(
        allocated_gib=8.0,
        reserved_gib=9.0,
        device_gib=10.0,
        low_gib=7.0,
        high_gib=12.0,
        parts={"weights": 6.0, "adapters": 0.001, "logits": 2.0, "context": 1.0},
        peak="backward",
    )


def test_a_bar_is_as_long_as_its_parts_and_dotted_up_to_the_upper_end(memory):
    assert bar(memory, cells=24, span_gib=24).plain == "██████▚▚▪○··             "


def test_the_end_of_the_card_stands_behind_parts_that_fit_and_within_parts_that_do_not(memory):
    assert bar(memory, cells=24, span_gib=24, limit_gib=16).plain == "██████▚▚▪○··    |        "
    assert bar(memory, cells=12, span_gib=12, limit_gib=3).plain == "███|██▚▚▪○·· "
    assert bar(memory, cells=24, span_gib=24, limit_gib=24).plain.endswith("|")


def test_every_part_has_a_mark_of_its_own_with_and_without_block_characters(memory):
    for ascii_only in (False, True):
        words = legend([memory], width=200, ascii_only=ascii_only).plain.split("   ")
        marks = [entry[0] for entry in words]
        assert len(set(marks)) == len(shown_parts(memory)) + 1
    drawn = bar(memory, cells=24, span_gib=24, limit_gib=3, ascii_only=True).plain
    assert drawn.isascii() and drawn.startswith("###|##ll")


def test_a_part_too_small_to_be_seen_is_not_in_the_legend(memory):
    assert "adapters" not in legend([memory], width=80).plain and "reserved" in shown_parts(memory)


def test_a_legend_is_wrapped_between_its_entries(memory):
    lines = legend([memory], width=24, limit=True).plain.splitlines()
    assert max(map(len, lines)) <= 24 and lines[0] == "█ weights   ▚ logits"


def test_a_part_that_is_new_is_drawn_all_the_same(memory):
    parts = {"weights": 6.0, "critic": 2.0, "context": 1.0}
    changed = MemoryEstimate(**{**{f: getattr(memory, f) for f in memory.__slots__}, "parts": parts})
    assert "▫" in bar(changed, cells=24, span_gib=24).plain and "critic" in legend([changed], width=80).plain
