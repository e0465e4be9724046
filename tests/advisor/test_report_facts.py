from dataclasses import replace

import pytest
from example_report import DATA

from advisor import Gpu, Hardware, hardware_with_card, hardware_with_vram
from advisor.phrase import spoken
from advisor.report_facts import data_facts, data_lines, hardware_line


def told(data, name):
    return next(str(content) for title, content in data_facts(data) if title == name)


def test_nothing_is_said_where_nothing_was_given():
    assert data_facts(None) == data_lines(None) == ()


def test_many_unreadable_files_are_counted_after_the_first():
    data = replace(DATA, unreadable=tuple(f"{n}.pdf: encrypted PDF" for n in range(1234)))
    assert told(data, "not readable").endswith("2.pdf: encrypted PDF; and 1,231 more")
    line = next(content for title, content in data_facts(data) if title == "not readable")
    assert spoken(line, "zh").startswith("0.pdf：加密的 PDF；") and spoken(line, "zh").endswith(
        "另有 1,231 个"
    )


def test_traces_of_a_language_are_left_out():
    assert told(replace(DATA, languages={"en": 0.997, "ar": 0.003}), "languages") == "100% English"


def test_a_language_without_a_name_keeps_its_code():
    assert told(replace(DATA, languages={"en": 0.5, "xx": 0.5}), "languages") == "50% English, 50% xx"


def test_the_commonest_formats_come_first_and_rare_ones_are_left_out():
    formats = {f".x{number}": number for number in range(1, 20)}
    assert told(replace(DATA, formats=formats), "documents").startswith("1,014 (19 x19, 18 x18, ")
    assert ", …)" in told(replace(DATA, formats=formats), "documents")


def test_unknown_rhythm_says_why():
    data = replace(DATA, update_days=None, update_source="update frequency not known: a reason")
    assert told(data, "changes") == "update frequency not known: a reason"


@pytest.mark.parametrize(
    ("hardware", "line"),
    [
        (None, "The machine is not known: pass --vram, or run this where it shall work."),
        (Hardware(note="x."), "x."),
        (
            Hardware(
                gpus=(Gpu(name="L4", vram_gib=22.2),), note="NVML found 1 card.", cpu_cores=8, ram_gib=31.9
            ),
            "NVML found 1 card. Cards: L4 (22 GiB). 8 cores, 32 GiB of RAM.",
        ),
    ],
)
def test_the_machine_in_a_line(hardware, line):
    assert hardware_line(hardware) == line


def test_a_planned_card_is_named_once():
    line = hardware_line(hardware_with_card(Gpu(name="L4", vram_gib=22.2), count=2))
    assert line == "Planned for 2 × L4 (22.2 GiB), as you asked; this machine's own cards are ignored."
    assert "2 cards with 24 GiB each" in hardware_line(hardware_with_vram(24, count=2))


@pytest.mark.parametrize("count", [0, -1, 1000])
def test_a_number_of_cards_that_makes_no_machine_is_refused(count):
    with pytest.raises(ValueError, match="cards make no machine; give a number from 1 to 64"):
        hardware_with_vram(24, count=count)
